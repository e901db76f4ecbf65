/** About how wide text is in the console's font: SVG neither wraps nor cuts it. Han is as wide as high, Latin about 0.58. */
export const widthOf = (text: string, px: number): number =>
  [...text].reduce((sum, c) => sum + (c > '\u2e80' ? px : px * 0.58), 0);

/** The text, or as much of it as there is room for. */
export function fitted(text: string, px: number, room: number): string {
  if (widthOf(text, px) <= room) return text;
  const chars = [...text];
  while (chars.length > 1 && widthOf(`${chars.join('')}…`, px) > room) chars.pop();
  return `${chars.join('').trimEnd()}…`;
}
