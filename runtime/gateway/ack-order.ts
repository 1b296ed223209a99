/**
 * Acknowledgements leave in the order of their packets (MQTT 3.1.1, 4.6.0-2). One topic of the bus confirms in order; two
 * do not know of each other. So of one connection only one topic's messages are in flight: the first of the other topic
 * waits until these are answered, and what came after it waits behind it.
 */
export class AckOrder {
  private topic = '';
  private inFlight = 0;
  private behind: { topic: string; start: () => void }[] = [];

  /** Calls `start` now or, when messages of another topic are in flight, once they are answered. */
  begin(topic: string, start: () => void): void {
    if (this.behind.length > 0 || (this.inFlight > 0 && this.topic !== topic)) this.behind.push({ topic, start });
    else this.start(topic, start);
  }

  /** One message that had begun is answered. */
  end(): void {
    this.inFlight--;
    while (this.behind.length > 0) {
      const [next] = this.behind as [{ topic: string; start: () => void }];
      if (this.inFlight > 0 && next.topic !== this.topic) return;
      this.behind.shift();
      this.start(next.topic, next.start);
    }
  }

  private start(topic: string, start: () => void): void {
    this.topic = topic;
    this.inFlight++;
    start();
  }
}
