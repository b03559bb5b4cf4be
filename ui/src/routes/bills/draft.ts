// A draft bill as a value: every change makes a new one, so that undo is a stack of values and a
// save is never half of a change. Nothing here asks, draws or reads a clock.
import type { BillKind, CatalogItem, Draft, DraftLine, ImportedLine, LineError } from '../../api';
import { parseQuantity } from '../../reading/quantity';

export type HeaderField = 'bill_id' | 'company_id' | 'warehouse_id' | 'create_time';
export type LineField = 'product' | 'quantity' | 'description';

export function newDraft(
  id: string,
  kind: BillKind,
  defaults: { bill_id: string; company_id: string; warehouse_id: string },
): Draft {
  return {
    draft_id: id,
    kind,
    create_time: '',
    lines: [blankLine(1)],
    copied_from: null,
    ...defaults,
  };
}

export function blankLine(line_id: number): DraftLine {
  return { line_id, product_id: '', product_text: '', quantity: '', description: '' };
}

export function isBlank(line: DraftLine): boolean {
  return !line.product_id && !line.product_text && !line.quantity && !line.description;
}

/** Lines that would be posted. */
export function filled(draft: Draft): DraftLine[] {
  return draft.lines.filter((l) => !isBlank(l));
}

/** A draft nobody would miss. */
export function isEmpty(draft: Draft): boolean {
  return filled(draft).length === 0;
}

export function nextLineId(draft: Draft): number {
  return draft.lines.reduce((most, l) => Math.max(most, l.line_id), 0) + 1;
}

/** The same draft with a blank line at its end, always. */
export function withBlankTail(draft: Draft, line_id = nextLineId(draft)): Draft {
  const last = draft.lines[draft.lines.length - 1];
  if (last && isBlank(last)) return draft;
  return { ...draft, lines: [...draft.lines, blankLine(line_id)] };
}

export function setHeader(draft: Draft, field: HeaderField, value: string): Draft {
  return draft[field] === value ? draft : { ...draft, [field]: value };
}

export function setLine(draft: Draft, line_id: number, patch: Partial<DraftLine>): Draft {
  const index = draft.lines.findIndex((l) => l.line_id === line_id);
  const before = draft.lines[index];
  if (!before) return draft;
  const lines = draft.lines.slice();
  lines[index] = { ...before, ...patch, line_id };
  return { ...draft, lines };
}

export function removeLine(draft: Draft, line_id: number): Draft {
  return { ...draft, lines: draft.lines.filter((l) => l.line_id !== line_id) };
}

/** A scanned product: one more of a line that has it, else a line of its own. */
export function addScanned(
  draft: Draft,
  item: Pick<CatalogItem, 'id'>,
  line_id: number,
): { draft: Draft; line_id: number } {
  const has = draft.lines.find((l) => l.product_id === item.id && countable(l));
  if (has) {
    const count = parseQuantity(has.quantity);
    const quantity = String((count.ok ? count.value : 0) + 1);
    return { draft: setLine(draft, has.line_id, { quantity }), line_id: has.line_id };
  }
  const patch = { product_id: item.id, product_text: item.id, quantity: '1' };
  return insert(draft, [{ ...blankLine(line_id), ...patch }]);
}

function countable(line: DraftLine): boolean {
  const count = parseQuantity(line.quantity);
  return count.ok || count.problem === 'empty';
}

function insert(draft: Draft, fresh: DraftLine[]): { draft: Draft; line_id: number } {
  // The first blank line stays the same line, at the end: the focus may be in it.
  const tail = draft.lines.filter(isBlank).slice(0, 1);
  const lines = [...draft.lines.filter((l) => !isBlank(l)), ...fresh, ...tail];
  return { draft: { ...draft, lines }, line_id: fresh[0]?.line_id ?? 0 };
}

/** Imported or pasted lines, after what is there. */
export function addImported(draft: Draft, imported: ImportedLine[], firstId: number): Draft {
  const fresh = imported.map((l, i) => ({
    line_id: firstId + i,
    product_id: l.product_id,
    product_text: l.product_id,
    quantity: l.quantity,
    description: l.description,
  }));
  return insert(draft, fresh).draft;
}

/** Pieces of a draft, and of each product in it. */
export function totals(draft: Draft): { pieces: number; byProduct: Map<string, number> } {
  const byProduct = new Map<string, number>();
  let pieces = 0;
  for (const line of draft.lines) {
    const count = parseQuantity(line.quantity);
    if (!line.product_id || !count.ok) continue;
    pieces += count.value;
    byProduct.set(line.product_id, (byProduct.get(line.product_id) ?? 0) + count.value);
  }
  return { pieces, byProduct };
}

/** What Enter does in a cell. */
export type Step =
  { go: 'cell'; line_id: number; field: LineField } | { go: 'add' } | { go: 'post' };

const order: LineField[] = ['product', 'quantity', 'description'];

export function afterEnter(draft: Draft, line_id: number, field: LineField): Step {
  const index = draft.lines.findIndex((l) => l.line_id === line_id);
  const line = draft.lines[index];
  const isLast = index === draft.lines.length - 1;
  if (line && isLast && isBlank(line) && !isEmpty(draft)) return { go: 'post' };
  const next = order[order.indexOf(field) + 1];
  if (next) return { go: 'cell', line_id, field: next };
  const below = draft.lines[index + 1];
  return below ? { go: 'cell', line_id: below.line_id, field: 'product' } : { go: 'add' };
}

/** A cell's field as the contract calls it. */
export function wireField(field: LineField): string {
  return field === 'product' ? 'product_id' : field;
}

/** Where a problem is mended: a field of the header or a cell; null when it concerns the bill as a whole. */
export type Spot = HeaderField | { line_id: number; field: LineField };

const headers: HeaderField[] = ['bill_id', 'company_id', 'warehouse_id', 'create_time'];

export function spotOf(error: LineError): Spot | null {
  if (error.line_id === null) return headers.find((h) => h === error.field) ?? null;
  return {
    line_id: error.line_id,
    field: order.find((f) => wireField(f) === error.field) ?? 'product',
  };
}

/** Problems as the eye meets them: the header, then line by line, cell by cell. */
export function inOrder(draft: Draft, errors: LineError[]): LineError[] {
  const rank = (e: LineError): number => {
    const spot = spotOf(e);
    if (spot === null) return -1;
    if (typeof spot === 'string') return headers.indexOf(spot);
    const line = draft.lines.findIndex((l) => l.line_id === spot.line_id);
    return headers.length + line * order.length + order.indexOf(spot.field);
  };
  return errors.slice().sort((a, b) => rank(a) - rank(b));
}

/** The next place to mend after the one that has the focus; from the last one round to the first. */
export function nextSpot(draft: Draft, errors: LineError[], at: Spot | null): Spot | null {
  const spots = inOrder(draft, errors)
    .map(spotOf)
    .filter((s) => s !== null);
  const place = (s: Spot) => (typeof s === 'string' ? s : `${s.line_id}.${s.field}`);
  const here = at === null ? -1 : spots.findIndex((s) => place(s) === place(at));
  return spots[here + 1] ?? spots[0] ?? null;
}
