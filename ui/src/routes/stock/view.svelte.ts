// The window onto a view of the stock that Rust holds: asks for the rows in sight, takes patches
// of them, acknowledges each. The only state that screens share, so that filters outlive a visit.
import { SvelteMap } from 'svelte/reactivity';
import { ask, failure, listen } from '../../api';
import type { Failure, StockPatch, StockQuery, StockRow, StockWindow } from '../../api';
import { changedCells, isSameRow, type CellId } from './changes';

export interface SeenRow {
  row: StockRow;
  /** Cells that changed with the last patch, to flash. */
  changed: ReadonlySet<CellId>;
  /** Grows with every patch, so that a second flash is a new one. */
  turn: number;
}

const none: ReadonlySet<CellId> = new Set();
export const blankQuery: StockQuery = {
  search: '',
  warehouses: [],
  categories: [],
  below_minimum: false,
  negative: false,
  hide_zero: false,
  sort: 'warehouse',
  descending: false,
};

export class StockView {
  query = $state.raw<StockQuery>(blankQuery);
  total = $state(0);
  sum = $state(0);
  pending = $state(0);
  isStale = $state(false);
  isAnswered = $state(false);
  warehouses = $state.raw<string[]>([]);
  categories = $state.raw<string[]>([]);
  trouble = $state.raw<Failure | null>(null);
  #rows = new SvelteMap<number, SeenRow>();
  #view: number | null = null;
  #seq = 0;
  #turn = 0;
  #range = { start: 0, end: 60 };
  #isAsking = false;
  #askAgain = false;
  /** A patch that came before the answer that names its view. */
  #early: StockPatch | null = null;
  #visit = 0;
  #stop: () => void = () => undefined;

  at(index: number): SeenRow | undefined {
    return this.#rows.get(index);
  }

  async open(): Promise<void> {
    const feed = listen('stock_open', { query: this.query }, (patch) => void this.#take(patch));
    this.#stop = feed.stop;
    this.#visit += 1;
    const visit = this.#visit;
    try {
      const opened = await feed.answer;
      if (visit !== this.#visit) {
        await ask('stock_close', { view: opened.view });
        return;
      }
      this.#view = opened.view;
      this.#seq = 0;
      this.total = opened.total;
      this.warehouses = opened.warehouses;
      this.categories = opened.categories;
      this.trouble = null;
      await this.#window();
      if (this.#early) await this.#take(this.#early);
    } catch (error) {
      if (visit === this.#visit) this.trouble = failure(error);
    }
    this.#early = null;
    this.isAnswered = true;
  }

  close(): void {
    this.#visit += 1;
    this.#stop();
    if (this.#view !== null) void ask('stock_close', { view: this.#view }).catch(() => undefined);
    this.#view = null;
    this.#rows.clear();
  }

  hide(hidden: boolean): void {
    if (this.#view === null) return;
    void ask('stock_hidden', { view: this.#view, hidden }).catch(() => undefined);
  }

  async change(patch: Partial<StockQuery>): Promise<void> {
    this.query = { ...this.query, ...patch };
    const view = this.#view;
    if (view === null) return;
    const query = this.query;
    await this.#guarded(async () => {
      const window = await ask('stock_query', { view, query });
      if (query !== this.query) return;
      this.#rows.clear();
      this.#put(window);
      await this.#window();
    });
  }

  /** Makes the order anew: rows that would appear, vanish or move now do. */
  async apply(): Promise<void> {
    const view = this.#view;
    if (view === null) return;
    await this.#guarded(async () => {
      const window = await ask('stock_apply', { view });
      this.#rows.clear();
      this.pending = 0;
      this.#put(window);
      await this.#window();
    });
  }

  /** Rows in sight. One question at a time; the latest range is asked last. */
  look(start: number, end: number): void {
    if (start === this.#range.start && end === this.#range.end) return;
    this.#range = { start, end };
    void this.#guarded(() => this.#window());
  }

  async #window(): Promise<void> {
    if (this.#isAsking) {
      this.#askAgain = true;
      return;
    }
    const view = this.#view;
    if (view === null) return;
    this.#isAsking = true;
    try {
      do {
        this.#askAgain = false;
        const { start, end } = this.#range;
        const window = await ask('stock_window', { view, start, end });
        if (view === this.#view) this.#put(window);
      } while (this.#askAgain);
    } finally {
      this.#isAsking = false;
    }
  }

  #put(window: StockWindow): void {
    this.total = window.total;
    this.sum = window.sum;
    this.#seq = Math.max(this.#seq, window.seq);
    const { start, end } = this.#range;
    for (const index of [...this.#rows.keys()]) {
      if (index < start - 200 || index > end + 200 || index >= window.total)
        this.#rows.delete(index);
    }
    window.rows.forEach((row, i) => {
      const before = this.#rows.get(window.start + i);
      // The same numbers again: a flash that is under way goes on.
      if (before && isSameRow(before.row, row)) return;
      this.#rows.set(window.start + i, { row, changed: none, turn: before?.turn ?? 0 });
    });
  }

  async #take(patch: StockPatch): Promise<void> {
    if (this.#view === null) this.#early = patch;
    if (patch.view !== this.#view) return;
    this.pending = patch.pending;
    this.sum = patch.sum;
    this.isStale = patch.stale;
    const isGap = this.#seq > 0 && patch.seq > this.#seq + 1;
    if (patch.resync || isGap) await this.#guarded(() => this.#window());
    else if (patch.seq > this.#seq) this.#patch(patch);
    this.#seq = Math.max(this.#seq, patch.seq);
    await ask('stock_ack', { view: patch.view, seq: patch.seq }).catch(() => undefined);
  }

  #patch(patch: StockPatch): void {
    this.#turn += 1;
    for (const { index, row } of patch.changes) {
      const before = this.#rows.get(index);
      if (!before) continue;
      this.#rows.set(index, { row, changed: changedCells(before.row, row), turn: this.#turn });
    }
  }

  async #guarded(what: () => Promise<void>): Promise<void> {
    try {
      await what();
      this.trouble = null;
    } catch (error) {
      this.trouble = failure(error);
    }
  }
}

export const stockView = new StockView();
