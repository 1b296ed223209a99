/** Bytes of `ticket.secret` in a gateway's TLS folder, from which the keys of session tickets are made. */
export const ticketSecretBytes = 32;
