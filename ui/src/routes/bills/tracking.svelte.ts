// Posted bills: the list that a search finds, each bill's progress from saved here to in stock, and the
// rejected entries.
import { ask, failure } from '../../api';
import type { Bill, BillQuery, BillSummary, Failure, RejectedEntry } from '../../api';
import { followBill } from '../../documents/following';
import { searchOf } from './search';

const pageSize = 60;
const isDone = (bill: BillSummary) => ['in_stock', 'rejected', 'duplicate'].includes(bill.state);

class Tracking {
  bills = $state.raw<BillSummary[]>([]);
  rejected = $state.raw<RejectedEntry[]>([]);
  text = $state('');
  trouble = $state.raw<Failure | null>(null);
  isAnswered = $state(false);
  /** False while the ledger is away: then states stop at Sent. */
  statesKnown = $state(true);
  next = $state<string | null>(null);
  #turn = 0;
  #asked = 0;
  #followed = new Map<string, () => void>();

  #query(before: string | null): BillQuery {
    const base = { kind: null, company_id: '', warehouse_id: '', product_id: '' };
    return { ...base, ...searchOf(this.text), before, limit: pageSize };
  }

  async search(text: string): Promise<void> {
    this.text = text;
    await this.refresh();
  }

  /** Called by a timer. Skipped while an answer is pending, or a slow answer would never be shown. */
  async look(): Promise<void> {
    if (this.#asked === 0) await this.refresh();
  }

  /** The newest page again; older pages already loaded stay below it. */
  async refresh(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    this.#asked += 1;
    try {
      const page = await ask('bill_search', { query: this.#query(null) });
      if (turn !== this.#turn) return;
      this.bills = page.bills;
      this.next = page.next;
      this.statesKnown = page.states_known;
      this.trouble = null;
      page.bills
        .filter((b) => !isDone(b))
        .slice(0, 20)
        .forEach((b) => this.follow(b.bill_id));
    } catch (error) {
      if (turn === this.#turn) this.trouble = failure(error);
    } finally {
      this.#asked -= 1;
    }
    this.isAnswered = true;
  }

  async more(): Promise<void> {
    if (this.next === null) return;
    const turn = this.#turn;
    const page = await ask('bill_search', { query: this.#query(this.next) });
    if (turn !== this.#turn) return;
    this.bills = [...this.bills, ...page.bills];
    this.next = page.next;
  }

  /** Hears of every change of a bill until it is at the end of its path. */
  follow(bill_id: string): void {
    if (this.#followed.has(bill_id)) return;
    const come = (bill: Bill) => {
      this.take(bill.summary);
      if (isDone(bill.summary)) this.#drop(bill_id);
    };
    this.#followed.set(
      bill_id,
      followBill(bill_id, come, () => this.#drop(bill_id)),
    );
  }

  #drop(bill_id: string): void {
    this.#followed.get(bill_id)?.();
    this.#followed.delete(bill_id);
  }

  /** Updates a bill in the list. */
  take(summary: BillSummary): void {
    const index = this.bills.findIndex((b) => b.bill_id === summary.bill_id);
    if (index < 0) return;
    const bills = this.bills.slice();
    bills[index] = summary;
    this.bills = bills;
  }

  async loadRejected(): Promise<void> {
    try {
      const all = await ask('rejected_list', { limit: 500 });
      this.rejected = all.filter((r) => r.resubmitted_as === null);
    } catch (error) {
      this.trouble = failure(error);
    }
  }
}

export const tracking = new Tracking();
