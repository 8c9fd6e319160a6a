/** The words of one part of the console, in both languages side by side: whoever adds a word adds its translation. */
export interface Area<K extends string> {
  zh: Readonly<Record<K, string>>;
  en: Readonly<Record<K, string>>;
}

/** Two dictionaries with the same keys; the compiler holds them to it. */
export const area = <K extends string>(zh: Readonly<Record<K, string>>, en: Readonly<Record<NoInfer<K>, string>>): Area<K> => ({ zh, en });
