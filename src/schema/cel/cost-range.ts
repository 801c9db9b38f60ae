// Ranges of sizes and costs. What nothing bounds is Infinity.

export interface Range {
  readonly min: number;
  readonly max: number;
}

export const exactly = (value: number): Range => ({ min: value, max: value });
export const unknownSize: Range = { min: 0, max: Infinity };
export const nothing: Range = exactly(0);

/** Nothing, however often, is nothing. */
const times = (one: number, other: number): number => (one === 0 || other === 0 ? 0 : one * other);

export const plus = (...ranges: readonly Range[]): Range => ({
  min: ranges.reduce((sum, { min }) => sum + min, 0),
  max: ranges.reduce((sum, { max }) => sum + max, 0),
});

export const multiply = (one: Range, other: Range): Range => ({
  min: times(one.min, other.min),
  max: times(one.max, other.max),
});

export const scale = ({ min, max }: Range, factor: number): Range => ({
  min: Math.ceil(times(min, factor)),
  max: Math.ceil(times(max, factor)),
});

export const union = (one: Range, other: Range): Range => ({
  min: Math.min(one.min, other.min),
  max: Math.max(one.max, other.max),
});
