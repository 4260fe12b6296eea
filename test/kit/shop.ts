import { type Client, json, type Run } from "@stagemq/client";

/** What happens to an order, in the order in which it happens. */
export interface OrderEvent {
  readonly order: string;
  readonly step: "created" | "paid" | "shipped";
}

export interface Payment {
  readonly order: string;
  readonly cents: number;
}

/** The shop's own table, as if it stood in a database. */
export type Bookings = Map<string, Payment>;

export const TOPICS = { orders: "order_events", payments: "payments", reminders: "reminders" } as const;
const REMIND_AFTER_MS = 30 * 60_000;

/** Takes orders: tells of each step in order, and reminds who has not paid after half an hour. */
export class OrderDesk {
  readonly #events;
  readonly #reminders;
  readonly #now: () => Date;

  constructor(client: Client, now: () => Date) {
    this.#events = client.producer(TOPICS.orders, { codec: json<OrderEvent>() });
    this.#reminders = client.producer(TOPICS.reminders);
    this.#now = now;
  }

  async tell(order: string, step: OrderEvent["step"]): Promise<void> {
    await this.#events.publish({ body: { order, step }, tag: step, key: order, shardingKey: order });
  }

  async take(order: string): Promise<void> {
    await this.tell(order, "created");
    const deliverAt = this.#now().getTime() + REMIND_AFTER_MS;
    await this.#reminders.publish({ body: order, key: order, deliverAt });
  }
}

/** Books payments; others hear of a payment if, and only if, it was booked. */
export class PaymentDesk {
  readonly #payments;
  readonly #bookings: Bookings;

  constructor(client: Client, bookings: Bookings) {
    this.#payments = client.transactionalProducer(TOPICS.payments, "GID_payment_desk", { codec: json<Payment>() });
    this.#bookings = bookings;
  }

  async book(payment: Payment): Promise<void> {
    await this.#payments.transaction({ body: payment, key: payment.order, checkAfter: "10s" }, () => {
      if (payment.cents <= 0) throw new RangeError(`${payment.cents} cents cannot be booked`);
      this.#bookings.set(payment.order, payment);
    });
  }

  /** What became of a payment whose end the broker does not know stands in the table. */
  answerChecks(): { stop(): Promise<void> } {
    return this.#payments.onCheck(({ body }) => (this.#bookings.has(body.order) ? "commit" : "rollback"));
  }
}

/** Packs orders: one step after the other for each order, and each step once, however often it comes. */
export class Warehouse {
  readonly seen = new Map<string, OrderEvent["step"][]>();
  readonly #client: Client;
  /** Throws where a step cannot be done now. */
  doStep: (event: OrderEvent) => void = () => {};

  constructor(client: Client) {
    this.#client = client;
  }

  open(): Run {
    const events = this.#client.consumer(TOPICS.orders, "GID_warehouse", { ordered: true, codec: json<OrderEvent>() });
    return events.run({ concurrency: 4 }, ({ body }) => {
      const steps = this.seen.get(body.order) ?? [];
      if (steps.includes(body.step)) return;
      this.doStep(body);
      this.seen.set(body.order, [...steps, body.step]);
    });
  }
}

/** Sends mail to those who have not paid. */
export class Reminders {
  readonly mails: string[] = [];
  readonly #client: Client;
  readonly #bookings: Bookings;

  constructor(client: Client, bookings: Bookings) {
    this.#client = client;
    this.#bookings = bookings;
  }

  open(send: (order: string) => void = () => {}): Run {
    return this.#client.consumer(TOPICS.reminders, "GID_reminders").run(({ body: order }) => {
      if (this.#bookings.has(order) || this.mails.includes(order)) return;
      send(order);
      this.mails.push(order);
    });
  }
}
