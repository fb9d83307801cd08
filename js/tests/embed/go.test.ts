// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { followLinks } from "../../src/embed/go";
import type { PageManager } from "../../src/embed/manager";

test("a link moves the selection of its part of the page, along axes of one's own, too", async () => {
  const moved: unknown[] = [];
  const model = { set: (traits: unknown) => moved.push(traits), save_changes: () => moved.push("saved") };
  const asked: string[] = [];
  const manager = {
    get_model: (id: string) => {
      asked.push(id);
      return Promise.resolve(model);
    },
  } as unknown as PageManager;
  document.body.innerHTML = `
    <div data-nsmw-selection="one"><a data-nsmw-go='{"time": 7, "expert": 2}'><b>there</b></a></div>
    <a data-nsmw-go='{"time": 1}'>of no part</a>`;
  followLinks(manager);
  for (const node of document.querySelectorAll<HTMLElement>("b, a")) {
    if (node.firstElementChild === null) node.click();
  }
  await Promise.resolve();
  expect(asked).toEqual(["one"]);
  expect(moved).toEqual([{ time: 7, _at_expert: 2 }, "saved"]);
});
