/** What a bundle carries: the code of one workflow, and of the stores that it may be told to use. */

/** A module's exports. */
export type Exports = Readonly<Record<string, unknown>>

/** The parts of a bundle. Its generated entry makes it; modules are imported when they are needed. */
export interface Bundle {
  /** The workflow's file, as errors call it. */
  readonly source: string
  /** The workflow's module, which exports the tasks. */
  readonly workflow: () => Promise<Exports>
  /** The modules that export behaviours. */
  readonly behaviours: ReadonlyArray<() => Promise<Exports>>
  /** Adapters of stores, by the names that references in `WEFT_STORES` have for them. */
  readonly adapters: Readonly<Record<string, () => Promise<unknown>>>
  /** The entry of the thread that renews leases: carries the same adapters, then imports `@weft/worker/renewal`. */
  readonly renewal: URL
  /** Tells bundles of different content apart. */
  readonly version: string
}
