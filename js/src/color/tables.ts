/** Colour tables from the anchors that Python reads too. */

import anchors from "../../../nsm_widgets/view/colormaps.json";

export type Theme = "light" | "dark";
export type MapKind = "sequential" | "diverging";

type Rgb = [number, number, number];

interface MapEntry {
  kind: string;
  light: string[];
  dark?: string[];
  /** Ground colours of NaN and both infinities, where others than those of all maps. */
  marks?: string[];
}

const MAPS: Record<string, MapEntry> = anchors;
const built = new Map<string, Uint8Array>();

export function mapNames(kind: MapKind): string[] {
  return Object.keys(MAPS).filter((name) => MAPS[name]?.kind === kind);
}

export function mapKind(name: string): MapKind | undefined {
  return entryOf(name)?.kind as MapKind | undefined;
}

/** What the toolbar calls a map: one that is not ours by its name, or by how many colours it is a list of. */
export function mapLabel(map: string): string {
  const [name = "", , , , , ...colors] = map.split(" ");
  return name.startsWith("#") ? `${colors.length} colours` : name;
}

/** Ground colours of NaN and both infinities, where the map has others than all. */
export function ownMarks(map: string): Rgb[] | undefined {
  return entryOf(map)?.marks?.map(rgbOf);
}

/** A map that is not ours comes as text: its name, its kind, three marks, and its colours. */
function entryOf(map: string): MapEntry | undefined {
  const [, kind, nan, above, below, ...light] = map.split(" ");
  if (kind === undefined || below === undefined || light.length < 2) return MAPS[map];
  return { kind, marks: [nan as string, above as string, below], light };
}

function rgbOf(hex: string): Rgb {
  const digits = hex.replace("#", "");
  return [0, 2, 4].map((i) => Number.parseInt(digits.slice(i, i + 2), 16)) as Rgb;
}

/** 256 sRGB colours, three bytes each. */
export function colorTable(name: string, theme: Theme): Uint8Array {
  const key = `${name}/${theme}`;
  const known = built.get(key);
  if (known !== undefined) return known;
  const entry = entryOf(name);
  if (entry === undefined) throw new RangeError(`no colour map ${name}`);
  const nodes = (entry[theme] ?? entry.light).map(rgbOf);
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i += 1) {
    const position = (i * (nodes.length - 1)) / 255;
    const left = Math.min(Math.floor(position), nodes.length - 2);
    for (let channel = 0; channel < 3; channel += 1) {
      const a = nodes[left]?.[channel] ?? 0;
      const b = nodes[left + 1]?.[channel] ?? 0;
      table[3 * i + channel] = Math.floor(a + (b - a) * (position - left) + 0.5);
    }
  }
  built.set(key, table);
  return table;
}

/** A CSS gradient of a map, low to high in the given direction. */
export function gradient(name: string, theme: Theme, direction: string): string {
  const table = colorTable(name, theme);
  const stops = Array.from({ length: 33 }, (_, i) => {
    const at = 3 * Math.round((i * 255) / 32);
    return `rgb(${table[at]},${table[at + 1]},${table[at + 2]})`;
  });
  return `linear-gradient(${direction}, ${stops.join(", ")})`;
}
