/** An error whose message is a sentence for people. */
export class Sentence extends Error {}
