/**
 * `@weft/engine-lambda/handler`: what runs in the functions. A bundle's entry is generated:
 *
 * ```ts
 * export const handler = await makeHandler({
 *   source: "workflow.ts",
 *   workflow: () => import("./workflow.ts"),
 *   behaviours: [() => import("./behaviours.ts")],
 *   adapters: { "@weft/storage-redis": () => import("@weft/storage-redis") },
 *   renewal: new URL("./renewal.mjs", import.meta.url),
 *   version: "1f0c…"
 * })
 * ```
 *
 * The entry of the thread that renews leases carries the same adapters:
 *
 * ```ts
 * import "@weft/worker/renewal"
 * carry({ "@weft/storage-redis": () => import("@weft/storage-redis") })
 * ```
 */
export type { Bundle, Exports } from "./Bundle.ts"
export { type Handler, makeHandler } from "./Handler.ts"
export type { LambdaContext } from "./LambdaContext.ts"
