/** Something went wrong in a way that a person can be told of. */
export class Sentence extends Error {}
