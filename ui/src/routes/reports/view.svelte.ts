// The report on screen: its definition, its totals, and a window onto its rows, which stay in Rust.
// Kept while other screens are open, so that coming back finds it as it was.
import { SvelteMap } from 'svelte/reactivity';
import { ask, failure } from '../../api';
import type { Failure, ReportOpened, ReportQuery, ReportRow } from '../../api';
import { wallNow } from '../../reading/times';
import { query, usual, type Definition } from './definition';

export type ReportTab = 'table' | 'charts' | 'movers' | 'alerts';

/** Rows kept beside those in sight. */
const spare = 200;

export class ReportView {
  definition = $state.raw<Definition>(usual);
  /** The question that the figures answer. */
  query = $state.raw<ReportQuery | null>(null);
  opened = $state.raw<ReportOpened | null>(null);
  trouble = $state.raw<Failure | null>(null);
  /** It takes long enough to say so. */
  isLate = $state(false);
  tab = $state<ReportTab>('table');
  /** Row under the cursor. */
  cursor = $state(0);
  /** Grows with every report that was made. */
  turn = $state(0);
  /** The last one was made by itself, because entries were posted: whoever looks at it stays where they are. */
  isFollowed = false;
  /** Rows by which the cursor's row moved when it was. */
  shift = 0;
  /** When it was made, by the desktop's clock. */
  madeAt = $state('');
  /** It is read page by page for paper: not the moment for other figures. */
  isPrinting = false;
  #rows = new SvelteMap<number, ReportRow>();
  #range = { start: 0, end: 60 };
  #asked = 0;
  #making = 0;
  #isAsking = false;
  #askAgain = false;

  at(index: number): ReportRow | undefined {
    return this.#rows.get(index);
  }

  /** Another definition, and its figures; a period that is none changes nothing yet. */
  async change(patch: Partial<Definition>): Promise<void> {
    this.definition = { ...this.definition, ...patch };
    if (query(this.definition, wallNow()) === null) return;
    this.cursor = 0;
    await this.make();
  }

  /** The figures of now. */
  async make(): Promise<void> {
    await this.#make(false);
  }

  get isMaking(): boolean {
    return this.#making > 0;
  }

  /** The figures of now, if anything that they are made of moved; the cursor stays on its row. */
  async follow(): Promise<void> {
    const asked = query(this.definition, wallNow());
    const { opened } = this;
    if (asked === null || !opened || this.isMaking) return;
    const turn = this.#asked;
    // Another day has begun where the questions differ.
    if (JSON.stringify(asked) === JSON.stringify(this.query)) {
      const version = await ask('report_version', { query: asked }).catch(() => null);
      if (version === null || version === opened.version || turn !== this.#asked) return;
    }
    await this.#make(true);
  }

  async #make(isFollowed: boolean): Promise<void> {
    const asked = query(this.definition, wallNow());
    if (asked === null) return;
    this.#asked += 1;
    const turn = this.#asked;
    this.#making += 1;
    const late = setTimeout(() => (this.isLate = turn === this.#asked && !isFollowed), 300);
    try {
      const opened = await ask('report_open', { query: asked });
      if (turn !== this.#asked) return;
      const start = Math.min(this.#range.start, Math.max(0, opened.found - 1));
      const rows = await ask('report_rows', {
        report: opened.report,
        start,
        end: Math.max(this.#range.end, start + 60),
      });
      if (turn !== this.#asked) return;
      this.#take(opened, start, rows, isFollowed);
      this.query = asked;
      this.madeAt = wallNow();
      this.trouble = null;
      this.turn += 1;
    } catch (error) {
      if (turn === this.#asked) this.trouble = failure(error);
    } finally {
      this.#making -= 1;
      clearTimeout(late);
      if (turn === this.#asked) this.isLate = false;
    }
  }

  #take(opened: ReportOpened, start: number, rows: ReportRow[], isFollowed: boolean): void {
    const key = (row: ReportRow) => JSON.stringify(row.group);
    const held = this.#rows.get(this.cursor);
    const at = held && isFollowed ? rows.findIndex((row) => key(row) === key(held)) : -1;
    this.isFollowed = isFollowed;
    this.shift = at < 0 ? 0 : start + at - this.cursor;
    this.cursor += this.shift;
    this.#rows.clear();
    rows.forEach((row, i) => this.#rows.set(start + i, row));
    this.opened = opened;
  }

  /** Rows in sight. One question at a time; the latest range is asked last. */
  look(start: number, end: number): void {
    this.#range = { start, end };
    void this.#fetch();
  }

  #isThere(): boolean {
    const end = Math.min(this.#range.end, this.opened?.found ?? 0);
    for (let i = this.#range.start; i < end; i += 1) if (!this.#rows.has(i)) return false;
    return true;
  }

  async #fetch(): Promise<void> {
    if (this.#isAsking) {
      this.#askAgain = true;
      return;
    }
    this.#isAsking = true;
    try {
      do {
        this.#askAgain = false;
        const report = this.opened?.report;
        if (report === undefined || this.#isThere()) continue;
        const { start, end } = this.#range;
        const rows = await ask('report_rows', { report, start, end });
        if (report === this.opened?.report) this.#put(start, rows);
      } while (this.#askAgain);
    } catch (error) {
      const failed = failure(error);
      // The engine was started anew, or other reports were made meanwhile.
      if (failed.code === 'not_found') void this.make();
      else this.trouble = failed;
    } finally {
      this.#isAsking = false;
    }
  }

  #put(start: number, rows: ReportRow[]): void {
    rows.forEach((row, i) => this.#rows.set(start + i, row));
    const end = start + rows.length;
    for (const index of [...this.#rows.keys()])
      if (index < start - spare || index > end + spare) this.#rows.delete(index);
  }
}

export const report = new ReportView();
