/** One promise for all who wait; made only when somebody does, so that no rejection is without an owner. */
export class Deferred {
  #promise: Promise<void> | undefined;
  #resolve: () => void = () => {};
  #reject: (reason: Error) => void = () => {};

  get promise(): Promise<void> {
    this.#promise ??= new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    return this.#promise;
  }

  resolve(): void {
    this.#resolve();
  }

  reject(reason: Error): void {
    this.#reject(reason);
  }
}
