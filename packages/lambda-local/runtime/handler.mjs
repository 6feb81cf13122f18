/** Finds the function that `_HANDLER` names, as `folder/file.export` or `file.nested.export`. */
const { existsSync } = process.getBuiltinModule("node:fs")
const { createRequire } = process.getBuiltinModule("node:module")
const { basename, join, resolve } = process.getBuiltinModule("node:path")
const { pathToFileURL } = process.getBuiltinModule("node:url")

const failed = (name, message) => Object.assign(new Error(message), { name: `Runtime.${name}` })

export const loadHandler = async (root, name) => {
  if (name.includes("..")) {
    throw failed(
      "MalformedHandlerName",
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`
    )
  }
  const base = basename(name)
  const folder = name.slice(0, name.length - base.length)
  const dot = base.indexOf(".")
  if (dot === -1) throw failed("MalformedHandlerName", "Bad handler")
  const module = await load(root, folder, base.slice(0, dot))
  const path = base.slice(dot + 1)
  const run = findIn(module, path) ?? findIn(module?.default, path)
  if (!run) throw failed("HandlerNotFound", `${name} is undefined or not exported`)
  if (typeof run !== "function") throw failed("HandlerNotFound", `${name} is not a function`)
  const streaming = run[Symbol.for("aws.lambda.runtime.handler.streaming")]
  if (streaming !== undefined && streaming !== "response") {
    throw failed("MalformedStreamingHandler", "Only response streaming is supported.")
  }
  if (streaming === undefined && run.length >= 3) {
    throw failed(
      "CallbackHandlerDeprecated",
      "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to " +
        "modify this function to use a supported handler signature to use Node.js 24 or later. For more information see " +
        "https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html."
    )
  }
  return { run, isStreaming: streaming !== undefined }
}

const findIn = (module, path) =>
  path
    .split(".")
    .reduce((value, key) => (value && typeof value === "object" ? value[key] : undefined), module)

const load = async (root, folder, name) => {
  const file = resolve(root, folder, name)
  try {
    for (const extension of ["", ".js", ".mjs", ".cjs"]) {
      if (existsSync(file + extension)) return await import(pathToFileURL(file + extension).href)
    }
    // Neither is there: it may be a package, and where it is looked for is said if it is not.
    const require = createRequire(join(root, "/"))
    return require(require.resolve(name, { paths: [root, join(root, folder)] }))
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw Object.assign(failed("UserCodeSyntaxError", String(error)), { stack: error.stack })
    }
    if (error?.code === "MODULE_NOT_FOUND") throw failed("ImportModuleError", String(error))
    throw error
  }
}
