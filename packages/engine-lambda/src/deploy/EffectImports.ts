/**
 * Imports from `effect` by module. The package's index exports whole modules as objects, which bundlers keep whole: of
 * `import { Effect } from "effect"` all of Effect stays, of `import * as Effect from "effect/Effect"` what is used. It
 * halves what a function has to load before it can begin.
 */

const IMPORT = /^import\s*\{([^}]*)\}\s*from\s*(["'])effect\2;?/gm

/** The same code, with an import for each module. Lines stay where they are. */
export const separated = (source: string): string =>
  source.replaceAll(IMPORT, (statement: string, names: string) => {
    const specifiers = names
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "")
    const isModule = (name: string) => /^[A-Z]/.test(name)
    const modules = specifiers.filter(isModule).map((name) => {
      const [exported = name, local = exported] = name.split(/\s+as\s+/)
      return `import * as ${local} from "effect/${exported}"`
    })
    const rest = specifiers.filter((name) => !isModule(name) && !name.startsWith("type "))
    const others = rest.length === 0 ? [] : [`import { ${rest.join(", ")} } from "effect"`]
    const types = specifiers.filter((name) => name.startsWith("type "))
    const typeOnly = types.length === 0 ? [] : [`import { ${types.join(", ")} } from "effect"`]
    return [...modules, ...others, ...typeOnly].join("; ") + "\n".repeat(statement.split("\n").length - 1)
  })
