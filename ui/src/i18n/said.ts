// The engine's words in the language of the screen: that language's sentence for the code, the values in their
// places. English travels with the words, and stands wherever a code is not known here.
import zh from '../../messages/engine/zh-CN.json';
import type { Words } from '../api/bindings/Words';
import { getLocale } from './paraglide/runtime';

const sentences: Partial<Record<string, Record<string, string>>> = { 'zh-CN': zh };

export function said(words: Words): string {
  const sentence = sentences[getLocale()]?.[words.code];
  if (sentence === undefined) return words.english;
  return sentence.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = words.values[name];
    if (value === undefined) return place;
    return typeof value === 'string' ? value : said(value);
  });
}

/** What happened, and what to do: the last sentence says that where there are several. */
export function causeAndCure(words: Words): { cause: string; cure: string } {
  const text = said(words);
  const [, cause, cure] = /^(.*)(?:\. |。)(.+?)[.。]?$/su.exec(text) ?? [];
  return { cause: cause ?? text, cure: cure ?? '' };
}
