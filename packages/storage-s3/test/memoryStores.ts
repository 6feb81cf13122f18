/** Stores that can be referred to, as an adapter's module exports them. */
import { Stores } from "@weft/storage"

export const stores = (options: unknown): Stores.Stores => ({
  ...Stores.memory(),
  name: `memory of ${(options as { readonly who: string }).who}`,
  reference: { module: import.meta.url, options }
})
