/**
 * Which version an alias means that names two.
 */
import type { Found, FunctionVersion, Registry } from "../functions/Registry.ts"
import type { FaultPlan } from "./Faults.ts"

/** The version for a request, by the weights of the alias, if it has any. */
export const chooseVersion = (
  registry: Registry,
  { alias, fn, version }: Found,
  plan: FaultPlan,
  request: number
): FunctionVersion => {
  let share = alias === undefined ? 1 : plan.share("version", fn.name, request)
  for (const [other, weight] of Object.entries(alias?.weights ?? {})) {
    if (share < weight) return registry.version(fn, other) ?? version
    share -= weight
  }
  return version
}
