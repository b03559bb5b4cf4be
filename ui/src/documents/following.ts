// A posted bill on its way from saved here to in stock.
import { listen, type Bill } from '../api';

/**
 * Calls back with every change of a bill. Returns how to stop; `onend` is called if the engine ends it
 * first.
 */
export function followBill(
  bill_id: string,
  onchange: (bill: Bill) => void,
  onend: () => void = () => undefined,
): () => void {
  const feed = listen('bill_watch', { bill_id }, onchange);
  feed.answer.catch(onend);
  return feed.stop;
}
