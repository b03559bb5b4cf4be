// One search box for bills: words are looked up in number, company and product; a day or a month limits
// the period.
import { readDays } from '../../reading/times';

/** `acme 2026-11` → text and days; two days make a period. */
export function searchOf(text: string): { text: string; from: string; to: string } {
  const words: string[] = [];
  let from = '';
  let to = '';
  for (const word of text.trim().split(/\s+/).filter(Boolean)) {
    const days = readDays(word);
    if (!days) words.push(word);
    else {
      from = from === '' || days.from < from ? days.from : from;
      to = days.to > to ? days.to : to;
    }
  }
  return { text: words.join(' '), from, to };
}
