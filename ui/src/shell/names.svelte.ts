// Names of products, warehouses and companies by their code: asked once, shown everywhere.
import { SvelteMap } from 'svelte/reactivity';
import { ask, type CatalogItem, type CatalogKind } from '../api';

const known = new SvelteMap<string, CatalogItem | null>();
// Questions on their way or answered; nothing is drawn from it.
// eslint-disable-next-line svelte/prefer-svelte-reactivity
const asked = new Set<string>();
const keyOf = (kind: CatalogKind, id: string) => `${kind} ${id}`;

export const names = {
  /** The item; null while unknown or when the catalogue has none. */
  item(kind: CatalogKind, id: string): CatalogItem | null {
    if (id === '') return null;
    const key = keyOf(kind, id);
    if (!asked.has(key)) {
      asked.add(key);
      ask('catalog_get', { kind, id })
        .then((item) => known.set(key, item))
        .catch(() => asked.delete(key));
    }
    return known.get(key) ?? null;
  },
  /** A name to show: the code until the name is known. */
  of(kind: CatalogKind, id: string): string {
    return names.item(kind, id)?.name || id;
  },
  put(item: CatalogItem): void {
    const key = keyOf(item.kind, item.id);
    asked.add(key);
    known.set(key, item);
  },
  async search(kind: CatalogKind, text: string): Promise<CatalogItem[]> {
    const items = await ask('catalog_search', { kind, text: text.trim(), limit: 12 });
    items.forEach(names.put);
    return items;
  },
};
