/** Names without what all of them begin with. Pure; the rule is that of `nsm_widgets/view/tokens/_names.py`. */

/** Cut what all begin with, up to a separator: a blank, or one of `. _ / : -`. */
export function withoutCommonPrefix(names: readonly string[]): readonly string[] {
  const [first = ""] = names;
  if (names.length < 2) return names;
  let length = 0;
  while (length < first.length && names.every((name) => name[length] === first[length])) length += 1;
  const shared = /^.*[\s._/:-]/.exec(first.slice(0, length))?.[0].length ?? 0;
  const shorter = names.map((name) => name.slice(shared));
  return shorter.every((name) => name !== "") ? shorter : names;
}
