import { defineConfig } from "vitest/config";

/** Pure modules run in node; a test that needs a document asks for one: `// @vitest-environment happy-dom`. */
export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    environment: "node",
    restoreMocks: true,
  },
});
