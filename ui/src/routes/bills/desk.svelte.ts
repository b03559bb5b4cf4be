// The draft on the desk: typing, undo, saving behind, scanning, posting. It lives as long as the
// window, so that going to another screen and back changes nothing.
import {
  ask,
  failure,
  type BillKind,
  type CatalogItem,
  type Draft,
  type DraftLine,
  type Failure,
} from '../../api';
import type { ImportedLine, LineError, SavedDraft } from '../../api';
import { parseQuantity } from '../../reading/quantity';
import { m } from '../../i18n/paraglide/messages';
import { names } from '../../shell/names.svelte';
import { preferences } from '../../shell/preferences.svelte';
import { beep } from '../../shell/scanning.svelte';
import { toasts } from '../../shell/toasts.svelte';
import * as d from './draft';
import { amend, begin, record, redo, seal, undo, type History } from './history';
import { Saver } from './saver.svelte';
import { readTime } from '../../reading/times';

/** Where the focus is wanted; `turn` tells two equal wishes apart. */
export interface FocusWish {
  at: d.Spot | 'post';
  turn: number;
}

class Desk {
  #history = $state.raw<History<Draft>>(
    begin(d.newDraft('', 'in', { bill_id: '', company_id: '', warehouse_id: '' })),
  );
  errors = $state.raw<LineError[]>([]);
  trouble = $state.raw<Failure | null>(null);
  isPosting = $state(false);
  isReady = $state(false);
  unknownCodes = $state.raw<string[]>([]);
  /** Line just scanned, to be seen. */
  scanned = $state.raw<{ line_id: number; turn: number } | null>(null);
  wish = $state.raw<FocusWish | null>(null);
  /** Where the hand is. */
  at = $state.raw<d.Spot | null>(null);
  others = $state.raw<SavedDraft[]>([]);
  saver = new Saver();
  #lastId = 0;
  #turn = 0;
  #scans: Promise<void> = Promise.resolve();
  #lookups = new Set<Promise<unknown>>();
  #givenNumber = '';

  draft = $derived(this.#history.present);
  totals = $derived(d.totals(this.draft));
  isEmpty = $derived(d.isEmpty(this.draft));
  canUndo = $derived(this.#history.past.length > 0);

  /** At start: the draft that was open when the window closed, or a new one. */
  async open(): Promise<void> {
    if (this.isReady) return;
    let saved: SavedDraft[];
    try {
      saved = await ask('draft_list', {});
    } catch (error) {
      // Not ready: asked again when the screen opens next, so that no draft is passed over.
      this.trouble = failure(error);
      return;
    }
    const kept = saved.filter((s) => !d.isEmpty(s.draft));
    kept.sort((a, b) => b.saved_at.localeCompare(a.saved_at));
    const [latest, ...others] = kept;
    this.others = others;
    if (latest) {
      this.#put(latest.draft);
      toasts.show(m.draft_restored(), 'plain');
    } else await this.fresh('in');
    this.isReady = true;
  }

  async fresh(kind: BillKind): Promise<void> {
    const { last_company, last_warehouse } = preferences.current;
    const bill_id = await ask('bill_number', { kind }).catch(() => '');
    this.#givenNumber = bill_id;
    const id = crypto.randomUUID();
    this.#put(
      d.newDraft(id, kind, { bill_id, company_id: last_company, warehouse_id: last_warehouse }),
    );
  }

  /** Puts another draft on the desk; the present one, if it holds anything, stays in the list. */
  async take(draft: Draft): Promise<void> {
    await this.saver.flush();
    if (!this.isEmpty) {
      this.others = [{ draft: this.draft, saved_at: '' }, ...this.others];
    }
    this.others = this.others.filter((o) => o.draft.draft_id !== draft.draft_id);
    this.#put(draft);
    this.saver.soon(draft);
    this.focusFirst();
  }

  /** A new bill; the present one, if it holds anything, stays in the list. */
  async next(): Promise<void> {
    await this.saver.flush();
    if (!this.isEmpty) this.others = [{ draft: this.draft, saved_at: '' }, ...this.others];
    await this.fresh(this.draft.kind);
    this.focusFirst();
  }

  #put(draft: Draft): void {
    this.#lastId = d.nextLineId(draft) - 1;
    this.#history = begin(d.withBlankTail(draft, this.#newId()));
    this.errors = [];
    this.trouble = null;
  }

  #newId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #change(next: Draft, cell: string): void {
    if (next === this.draft || this.isPosting) return;
    this.#history = record(this.#history, d.withBlankTail(next, this.#newId()), cell);
    this.saver.soon(this.draft);
  }

  /** A header field or a cell, as typed; its complaints are old news then. */
  header(field: d.HeaderField, value: string): void {
    this.errors = this.errors.filter((e) => e.line_id !== null || e.field !== field);
    this.#change(d.setHeader(this.draft, field, value), field);
  }

  line(line_id: number, patch: Partial<DraftLine>, field: d.LineField): void {
    const old = d.wireField(field);
    this.errors = this.errors.filter(
      (e) => e.field !== 'lines' && (e.line_id !== line_id || e.field !== old),
    );
    this.#change(d.setLine(this.draft, line_id, patch), `${line_id}.${field}`);
  }

  async kind(kind: BillKind): Promise<void> {
    if (kind === this.draft.kind) return;
    const isGiven = this.draft.bill_id === this.#givenNumber;
    this.#change({ ...this.draft, kind }, 'kind');
    if (!isGiven) return;
    this.#givenNumber = await ask('bill_number', { kind }).catch(() => this.#givenNumber);
    this.#history = amend(this.#history, d.setHeader(this.draft, 'bill_id', this.#givenNumber));
    this.saver.soon(this.draft);
  }

  leaveCell(): void {
    this.#history = seal(this.#history);
  }

  undo(): void {
    this.#history = undo(this.#history);
    this.saver.soon(this.draft);
  }

  redo(): void {
    this.#history = redo(this.#history);
    this.saver.soon(this.draft);
  }

  product(line_id: number, item: CatalogItem): void {
    names.put(item);
    this.line(line_id, { product_id: item.id, product_text: item.id }, 'product');
  }

  /** Finds what was typed faster than the list could answer. */
  resolve(line_id: number, text: string, isSure: boolean): void {
    const lookup = names.search('product', text).then((items) => {
      const line = this.draft.lines.find((l) => l.line_id === line_id);
      if (!line || line.product_id || line.product_text !== text) return;
      const low = text.trim().toLowerCase();
      const exact = items.find((i) => i.id.toLowerCase() === low || i.barcode === text.trim());
      const item = exact ?? (isSure || items.length === 1 ? items[0] : undefined);
      if (item) {
        const patch = { product_id: item.id, product_text: item.id };
        this.#history = amend(this.#history, d.setLine(this.draft, line_id, patch));
        this.saver.soon(this.draft);
      } else this.#unknown(line_id, text);
    });
    const settled = lookup.catch(() => undefined).finally(() => this.#lookups.delete(settled));
    this.#lookups.add(settled);
  }

  #unknown(line_id: number, value: string): void {
    const others = this.errors.filter((e) => e.line_id !== line_id || e.field !== 'product_id');
    const message = { code: '', values: {}, english: m.rule_unknown_product() };
    this.errors = [
      ...others,
      { line_id, field: 'product_id', rule: 'unknown_product', value, message },
    ];
  }

  removeLine(line_id: number): void {
    const index = this.draft.lines.findIndex((l) => l.line_id === line_id);
    this.leaveCell();
    this.errors = this.errors.filter((e) => e.line_id !== line_id);
    this.#change(d.removeLine(this.draft, line_id), 'remove');
    const next = this.draft.lines[Math.min(index, this.draft.lines.length - 1)];
    if (next) this.focus({ line_id: next.line_id, field: 'product' });
  }

  add(lines: ImportedLine[]): void {
    this.leaveCell();
    const first = this.#newId();
    this.#lastId += lines.length;
    this.#change(d.addImported(this.draft, lines, first), `import ${first}`);
    toasts.show(m.lines_added({ count: lines.length }));
    this.focus({ line_id: first, field: 'product' });
  }

  /** Codes are looked up one after another, so that none overtakes or is lost. */
  scan(code: string): void {
    this.#scans = this.#scans.then(() => this.#scanned(code)).catch(() => this.#notKnown(code));
  }

  async #scanned(code: string): Promise<void> {
    const { item } = await ask('catalog_scan', { code });
    if (!item) {
      this.#notKnown(code);
      return;
    }
    names.put(item);
    if (item.kind === 'warehouse') {
      this.header('warehouse_id', item.id);
      toasts.show(m.warehouse_switched({ name: item.name }), 'plain');
    } else if (item.kind === 'company') this.header('company_id', item.id);
    else {
      const added = d.addScanned(this.draft, item, this.#newId());
      this.leaveCell();
      this.#change(added.draft, `scan ${code}`);
      this.leaveCell();
      this.#turn += 1;
      this.scanned = { line_id: added.line_id, turn: this.#turn };
    }
  }

  #notKnown(code: string): void {
    beep();
    this.unknownCodes = [...this.unknownCodes.filter((c) => c !== code), code];
  }

  forgetCode(code: string): void {
    this.unknownCodes = this.unknownCodes.filter((c) => c !== code);
  }

  focus(at: FocusWish['at']): void {
    this.#turn += 1;
    this.wish = { at, turn: this.#turn };
  }

  focusFirst(): void {
    const first = this.draft.lines[0];
    if (!this.draft.company_id) this.focus('company_id');
    else if (!this.draft.warehouse_id) this.focus('warehouse_id');
    else if (first) this.focus({ line_id: first.line_id, field: 'product' });
  }

  async discard(): Promise<void> {
    const { draft_id, kind } = this.draft;
    await this.saver.drop(draft_id);
    await this.fresh(kind);
    this.focusFirst();
  }

  /** Posts; the number of the new bill, or null with everything that is wrong in `errors`. */
  async post(): Promise<string | null> {
    if (this.isPosting) return null;
    this.isPosting = true;
    this.trouble = null;
    try {
      await this.#scans;
      await Promise.all(this.#lookups);
      await this.saver.flush();
      const result = await ask('bill_post', { draft: this.#tidied() });
      if (result.outcome === 'refused') {
        this.errors = result.errors;
        this.at = null;
        this.nextProblem();
        return null;
      }
      toasts.show(m.posted({ bill: result.bill_id, count: result.lines }));
      const { kind, company_id, warehouse_id } = this.draft;
      preferences.change({
        last_company: company_id,
        last_warehouse: warehouse_id,
        first_run: false,
      });
      await this.fresh(kind);
      this.focusFirst();
      return result.bill_id;
    } catch (error) {
      this.trouble = failure(error);
      return null;
    } finally {
      this.isPosting = false;
    }
  }

  #tidied(): Draft {
    const create_time = readTime(this.draft.create_time) ?? this.draft.create_time;
    const lines = this.draft.lines.map((l) => {
      const count = parseQuantity(l.quantity);
      return count.ok ? { ...l, quantity: String(count.value) } : l;
    });
    return { ...this.draft, create_time, lines };
  }

  /** Moves the focus to the next problem. */
  nextProblem(): void {
    const spot = d.nextSpot(this.draft, this.errors, this.at);
    if (spot) this.focus(spot);
  }
}

export const desk = new Desk();
