/** Instances as text. */
import type { InstanceId } from "@weft/core"

/**
 * An instance as scripts know it: text in which numbers are as they are, and so are those inside lists (`17[3]`).
 * Others, which only tests make, are marked.
 */
export const fieldOf = (instance: InstanceId): string =>
  typeof instance === "number" || /^\d+\[/.test(instance) ? String(instance) : `'${instance}`

/** An instance from what a script answered. */
export const toId = (field: string): InstanceId => {
  if (field.startsWith("'")) return field.slice(1)
  return field.includes("[") ? field : Number(field)
}
