// Which screen is open, and what it was asked to show.
import type { Draft } from '../api';

export type Screen = 'bills' | 'stock' | 'reports' | 'audit' | 'catalog' | 'settings';

/** What the Bills screen was asked to show. */
type BillsWish = { of: 'bill'; id: string } | { of: 'draft'; draft: Draft };

let screen = $state<Screen>('bills');
let wish = $state.raw<BillsWish | null>(null);
let list = $state<'bills' | 'rejected'>('bills');

export const nav = {
  get screen(): Screen {
    return screen;
  },
  go(next: Screen): void {
    screen = next;
  },
  /** Opens a posted bill by its number, from wherever it is mentioned. */
  openBill(id: string): void {
    wish = { of: 'bill', id };
    screen = 'bills';
  },
  /** Opens the Bills screen with this draft. Drafts that are open already are kept. */
  editDraft(draft: Draft): void {
    wish = { of: 'draft', draft };
    screen = 'bills';
  },
  /** Which list is shown beside the draft. */
  get list(): 'bills' | 'rejected' {
    return list;
  },
  show(next: 'bills' | 'rejected'): void {
    list = next;
    screen = 'bills';
  },
  /** What the Bills screen was asked for, once. */
  takeWish(): BillsWish | null {
    const asked = wish;
    wish = null;
    return asked;
  },
  get hasWish(): boolean {
    return wish !== null;
  },
};
