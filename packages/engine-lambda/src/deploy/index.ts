/**
 * `@weft/engine-lambda/deploy`: bundles a workflow, and makes its functions.
 */
export {}
