/**
 * The adapters that a program carries with it, because it has no files to import: a bundle. Imports nothing, so that a
 * thread that may never need a store starts fast.
 */

/** Imports a module of an adapter. */
type Import = () => Promise<unknown>

/** How adapters are imported, by the names that references have for them. */
export const carried: Map<string, Import> = new Map()

/** Has references find adapters under these names, in a program that carries them with it instead of importing files. */
export const carry = (adapters: Readonly<Record<string, Import>>): void => {
  for (const [name, load] of Object.entries(adapters)) carried.set(name, load)
}
