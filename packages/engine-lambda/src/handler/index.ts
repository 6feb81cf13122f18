/**
 * `@weft/engine-lambda/handler`: what runs in the functions.
 */
export {}
