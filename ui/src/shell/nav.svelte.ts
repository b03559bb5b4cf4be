// Which screen is open, and what it was asked to show.

export type Screen = 'bills' | 'stock' | 'reports' | 'audit' | 'catalog' | 'settings';

let screen = $state<Screen>('bills');
let bill = $state<string | null>(null);
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
    bill = id;
    screen = 'bills';
  },
  /** Which list stands beside the draft. */
  get list(): 'bills' | 'rejected' {
    return list;
  },
  show(next: 'bills' | 'rejected'): void {
    list = next;
    screen = 'bills';
  },
  /** The bill asked for, once. */
  takeBill(): string | null {
    const asked = bill;
    bill = null;
    return asked;
  },
  get wantsBill(): boolean {
    return bill !== null;
  },
};
