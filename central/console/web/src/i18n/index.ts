/**
 * Words in two languages. In: a language and a key. Out: text. Every word on a page comes from a dictionary here.
 */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { cameras } from './cameras';
import { connect } from './connect';
import { desk } from './desk';
import { en } from './en';
import { feed } from './feed';
import { figures } from './figures';
import { fleet } from './fleet';
import { keys } from './keys';
import { map } from './map';
import { register } from './register';
import { shift } from './shift';
import { sources } from './sources';
import { trace } from './trace';
import { unseal } from './unseal';
import { worker } from './worker';
import { zh } from './zh';

export type Lang = 'zh-CN' | 'en';

const chinese = { ...zh, ...cameras.zh, ...connect.zh, ...desk.zh, ...feed.zh, ...figures.zh, ...fleet.zh, ...keys.zh, ...map.zh, ...register.zh, ...shift.zh, ...sources.zh, ...trace.zh, ...unseal.zh, ...worker.zh };
const english = { ...en, ...cameras.en, ...connect.en, ...desk.en, ...feed.en, ...figures.en, ...fleet.en, ...keys.en, ...map.en, ...register.en, ...shift.en, ...sources.en, ...trace.en, ...unseal.en, ...worker.en };

export type Key = keyof typeof chinese;
export type Dictionary = Readonly<Record<Key, string>>;

export const dictionaries: Readonly<Record<Lang, Dictionary>> = { 'zh-CN': chinese, en: english };

export type Args = Readonly<Record<string, string | number>>;

/** The words of one language. */
export interface Words {
  lang: Lang;
  t(key: Key, args?: Args): string;
  /** The word for a value of a closed list; a value outside the list is shown as it came. */
  word(list: string, value: string): string;
}

export function wordsOf(lang: Lang): Words {
  const dictionary = dictionaries[lang];
  return {
    lang,
    t: (key, args) => fill(dictionary[key], args),
    word: (list, value) => (dictionary as Readonly<Record<string, string>>)[`${list}.${value}`] ?? value,
  };
}

function fill(text: string, args?: Args): string {
  return args ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(args[name] ?? whole)) : text;
}

const STORED = 'gridgate.lang';

/** The language chosen before on this machine; Chinese where nothing was chosen or storage is shut. */
export function rememberedLang(): Lang {
  try {
    return localStorage.getItem(STORED) === 'en' ? 'en' : 'zh-CN';
  } catch {
    return 'zh-CN';
  }
}

export function rememberLang(lang: Lang): void {
  try {
    localStorage.setItem(STORED, lang);
  } catch {
    // A browser that keeps nothing still gets the language for this visit.
  }
}

export const WordsContext = createContext<Words>(wordsOf('zh-CN'));

export const useWords = (): Words => useContext(WordsContext);
