/**
 * What is printed is written before the function goes on, so that all of it is out before the function is frozen.
 * Otherwise Node.js keeps back what a full pipe does not take. Loaded before AWS's client, too.
 */
for (const name of ["stdout", "stderr"]) {
  const { get } = Object.getOwnPropertyDescriptor(process, name)
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get: () => {
      const value = get.call(process)
      value._handle?.setBlocking?.(true)
      Object.defineProperty(process, name, { configurable: true, enumerable: true, value })
      return value
    }
  })
}
