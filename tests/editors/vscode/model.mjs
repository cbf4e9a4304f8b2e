// A model server with OpenAI's protocol that always gives the same answer, so that its cost is known. It shares no code with the server.
import { createServer } from 'node:http';

/** Answers every completion with `model.text` and the count `tokens`; counts its calls. */
export async function modelServer(text, tokens) {
  const model = { text, calls: 0, delayMs: 0 };
  const server = createServer((request, response) => {
    request.resume().on('end', async () => {
      model.calls += 1;
      model.authorization = request.headers.authorization;
      await new Promise((resolve) => setTimeout(resolve, model.delayMs));
      const usage = { prompt_tokens: 10, completion_tokens: tokens, total_tokens: 10 + tokens };
      const events = [
        { choices: [{ index: 0, text: model.text, delta: { content: model.text }, finish_reason: null }] },
        { choices: [{ index: 0, text: '', delta: {}, finish_reason: 'stop' }], usage },
      ];
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(events.map((event) => `data: ${JSON.stringify({ object: 'text_completion', ...event })}\n\n`).join('') + 'data: [DONE]\n\n');
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  model.address = `http://127.0.0.1:${server.address().port}/v1`;
  model.close = () => (server.closeAllConnections(), server.close());
  return model;
}
