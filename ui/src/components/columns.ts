// The columns of a grid: their headings, which of them are shown, and how wide each is.

export interface GridColumn {
  word: string;
  /** The whole word, where the heading is a short one. */
  title?: string;
  /** As in grid-template-columns. */
  width: string;
  isNumber?: boolean;
  /** Spoken only: the cells say it by a sign. */
  isHidden?: boolean;
  /** Its heading sorts; how it does now. */
  sort?: 'ascending' | 'descending' | 'none' | undefined;
}

/** Moves the border after a column by some pixels; `widths` are those on screen. */
export type Resize = (widths: number[], index: number, by: number) => void;

/** A column whose width is a share of the window, so that a grid always fits. */
interface SharedColumn<Id extends string> {
  id: Id;
  share: number;
}
export type Shares<Id extends string> = Partial<Record<Id, number>>;

const least = 44;

/** The shares after the border between a column and the next was moved; empty if there is no next. */
export function resized<Id extends string>(
  list: SharedColumn<Id>[],
  ...[widths, index, by]: Parameters<Resize>
): Shares<Id> {
  const left = widths[index];
  const right = widths[index + 1];
  if (left === undefined || right === undefined) return {};
  const move = Math.max(least - left, Math.min(by, right - least));
  const moved = new Map([
    [index, left + move],
    [index + 1, right - move],
  ]);
  const shares = list.map((c, i) => [c.id, Math.round(moved.get(i) ?? widths[i] ?? c.share)]);
  return Object.fromEntries(shares) as Shares<Id>;
}

/** Hidden columns after one was hidden or shown; at least one of `needed` always is shown. */
export function toggled<Id extends string>(hidden: Id[], id: Id, needed: Id[]): Id[] {
  const next = hidden.includes(id) ? hidden.filter((h) => h !== id) : [...hidden, id];
  return needed.every((n) => next.includes(n)) ? hidden : next;
}
