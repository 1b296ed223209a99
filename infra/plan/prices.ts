import file from './prices.json' with { type: 'json' };

/**
 * One price of the dated price file. `verified`: read on the vendor's own price page, as it was on `date`. The others come
 * from where `source` says (price tests of other projects, or memory of the page that is named), and are to be checked.
 */
export type Price = {
  id: string;
  what: string;
  unit: string;
  usd: number;
  source: string;
  date: string;
  verified: boolean;
  note?: string;
};

export const priceFile: {
  /** Date of the file, ISO. */
  priced: string;
  currency: string;
  /** Region whose list prices these are; others differ. */
  region: string;
  hoursAMonth: number;
  prices: readonly Price[];
} = file;

const byId = new Map(priceFile.prices.map((price) => [price.id, price]));

/** @throws Error for an id that the price file lacks: nothing is free by being forgotten. */
export function priceOf(id: string): Price {
  const price = byId.get(id);
  if (price === undefined) throw new Error(`infra/plan/prices.json has no price '${id}'`);
  return price;
}
