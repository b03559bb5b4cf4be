// Current stock beside the lines: asked again while they are in sight.
import { SvelteMap } from 'svelte/reactivity';
import type { KeyOf } from '../../api/bindings/KeyOf';
import type { QuantityOf } from '../../api';

const keyOf = (warehouse: string, product: string) => `${warehouse}:${product}`;

export class OnHand {
  #known = new SvelteMap<string, QuantityOf>();
  #keys: KeyOf[] = [];
  #turn = 0;

  constructor(private ask: (keys: KeyOf[]) => Promise<QuantityOf[]>) {}

  of(warehouse: string, product: string): QuantityOf | null {
    return product ? (this.#known.get(keyOf(warehouse, product)) ?? null) : null;
  }

  /** The keys to keep current; new ones are asked at once. */
  want(warehouse_id: string, products: string[]): void {
    const distinct = products.filter((p, i) => p !== '' && products.indexOf(p) === i);
    const before = this.#keys.map((k) => keyOf(k.warehouse_id, k.product_id));
    this.#keys = warehouse_id ? distinct.map((product_id) => ({ warehouse_id, product_id })) : [];
    if (this.#keys.some((k) => !before.includes(keyOf(k.warehouse_id, k.product_id)))) {
      queueMicrotask(() => void this.#refresh());
    }
  }

  poll(everyMs: number): () => void {
    const timer = setInterval(() => {
      if (!document.hidden) void this.#refresh();
    }, everyMs);
    return () => clearInterval(timer);
  }

  async #refresh(): Promise<void> {
    if (this.#keys.length === 0) return;
    this.#turn += 1;
    const turn = this.#turn;
    // A failed question leaves the numbers as they were; the status bar says that the store is away.
    const answers = await this.ask(this.#keys).catch(() => []);
    if (turn !== this.#turn) return;
    for (const a of answers) {
      const key = keyOf(a.warehouse_id, a.product_id);
      const old = this.#known.get(key);
      if (old?.quantity !== a.quantity || old.minimum !== a.minimum) this.#known.set(key, a);
    }
  }
}
