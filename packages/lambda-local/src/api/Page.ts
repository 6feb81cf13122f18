/**
 * Lists, a page at a time.
 */
import * as Effect from "effect/Effect"
import { type ApiError, invalid } from "../ApiError.ts"

/** A page of a list, and what the answer says about the next one. */
export interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly next: { readonly NextMarker?: string }
}

const MOST_ITEMS = 50

/** The page that a query asks for, with `Marker` and `MaxItems`. */
export const page = <A>(all: ReadonlyArray<A>, query: URLSearchParams): Effect.Effect<Page<A>, ApiError> => {
  const marker = query.get("Marker") ?? "0"
  const wanted = Number(query.get("MaxItems") ?? MOST_ITEMS)
  if (!/^\d+$/.test(marker)) return Effect.fail(invalid(`'${marker}' is no marker of a list`))
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > 10_000) {
    return Effect.fail(invalid("'MaxItems' must be from 1 to 10000"))
  }
  const from = Number(marker)
  const to = from + Math.min(wanted, MOST_ITEMS)
  return Effect.succeed({
    items: all.slice(from, to),
    next: to < all.length ? { NextMarker: String(to) } : {}
  })
}
