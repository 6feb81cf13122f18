/** Warnings in a vessel. */

/** From now on what Node.js says of a package.json without "type" is passed over: the main thread has said it, once. */
export const warnOnce = (): void => {
  const emitWarning = process.emitWarning
  process.emitWarning = (...args: ReadonlyArray<unknown>) => {
    if (JSON.stringify(args[1])?.includes("MODULE_TYPELESS_PACKAGE_JSON")) return
    Reflect.apply(emitWarning, process, args)
  }
}
