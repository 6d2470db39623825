// A peer of the contact centre's push: fastify and pg, one event a request, answered 202 once the
// event and an outbox row are durable. Both rows are written by one prepared statement, which is
// its own transaction. PORT and DSN come from the environment.
'use strict'

const fastify = require('fastify')
const { Pool } = require('pg')

const pool = new Pool({ connectionString: process.env.DSN, max: 16 })
const app = fastify()

const insert = `
WITH kept AS (
    INSERT INTO peer.event (source, id, contact, kind, at, body) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING RETURNING contact, body)
INSERT INTO peer.outbox (key, payload) SELECT contact, body FROM kept`

const text = { type: 'string' }
const schema = {
  body: {
    type: 'object',
    required: ['id', 'contact', 'type', 'at'],
    properties: {
      id: text, contact: text, type: text, at: { ...text, format: 'date-time' },
      channel: text, direction: text, party: text, queue: text, branch: text, agent: text,
      from: text, to: text, attributes: { type: 'object', additionalProperties: text }
    }
  }
}

app.post('/contact-center/v1/events', { schema }, async (request, reply) => {
  const event = request.body
  const body = Buffer.from(JSON.stringify(event))
  await pool.query({
    name: 'insert',
    text: insert,
    values: ['peer', event.id, event.contact, event.type, event.at, body]
  })
  reply.code(202)
  return { accepted: 1 }
})

app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
