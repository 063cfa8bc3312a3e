// OpenAI's own client, unchanged: node openai.mjs URL KEY MODEL. Prints one JSON value for the test in internal/inference.
import OpenAI, { BadRequestError, AuthenticationError, NotFoundError } from "openai";

const [url, key, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: url + "/v1", apiKey: key, maxRetries: 0 });

async function nameOfError(call) {
  try {
    await call();
    return "none";
  } catch (e) {
    for (const kind of [BadRequestError, AuthenticationError, NotFoundError]) {
      if (e instanceof kind) return kind.name + ":" + (e.param ?? e.code);
    }
    return String(e);
  }
}

const out = {};
out.models = (await client.models.list()).data.map((m) => m.id);
out.model = (await client.models.retrieve(model)).id;

const talk = { model, messages: [{ role: "user", content: "a tale of ümlauts" }], seed: 21, max_tokens: 32 };
const whole = await client.chat.completions.create(talk);
out.chat = whole.choices[0].message.content;
out.finish = whole.choices[0].finish_reason;
out.tokens = whole.usage.completion_tokens;
out.chatStream = "";
for await (const chunk of await client.chat.completions.create({ ...talk, stream: true, stream_options: { include_usage: true } })) {
  out.chatStream += chunk.choices[0]?.delta?.content ?? "";
  out.streamTokens = chunk.usage?.completion_tokens;
}
const runner = client.chat.completions.stream({ ...talk });
out.chatHelper = await runner.finalContent();

const text = { model, prompt: "once", seed: 12, max_tokens: 32 };
out.text = (await client.completions.create(text)).choices[0].text;
out.textStream = "";
for await (const chunk of await client.completions.create({ ...text, stream: true })) out.textStream += chunk.choices[0].text;

// A reader who leaves in the middle, and one who comes after him.
const left = await client.completions.create({ ...text, max_tokens: 500, stream: true });
for await (const _ of left) break;
out.after = (await client.completions.create(text)).choices[0].text;

const likely = (await client.completions.create({ ...text, logprobs: 3 })).choices[0];
out.likely = likely.logprobs.tokens.length === likely.logprobs.token_logprobs.length && likely.logprobs.top_logprobs.length > 0 && likely.text === out.text;
const talked = (await client.chat.completions.create({ ...talk, logprobs: true, top_logprobs: 2 })).choices[0];
out.chatLikely = talked.logprobs.content.length === out.tokens && talked.logprobs.content.every((t) => t.top_logprobs.length === 2 && t.logprob <= 0);

// Several answers, whole and in pieces; the first is the one that is given alone.
const both = (await client.chat.completions.create({ ...talk, n: 2 })).choices.map((c) => c.message.content);
const pieces = ["", ""];
for await (const chunk of await client.chat.completions.create({ ...talk, n: 2, stream: true }))
  for (const c of chunk.choices) pieces[c.index] += c.delta.content ?? "";
out.choices = both.length === 2 && both[0] === out.chat && both[1] !== both[0] && both[0] === pieces[0] && both[1] === pieces[1];

// The client asks for base64 by itself and decodes it.
const vectors = await client.embeddings.create({ model, input: ["a tale", "of rain"] });
out.vectors = vectors.data.map((v) => Math.hypot(...v.embedding).toFixed(4) + "/" + v.embedding.length);
const listed = await client.embeddings.create({ model, input: "of rain", encoding_format: "float" });
out.sameVector = listed.data[0].embedding.every((v, i) => Math.fround(v) === vectors.data[1].embedding[i]);

out.refused = await nameOfError(() => client.completions.create({ ...text, logprobs: 6 }));
out.unknown = await nameOfError(() => client.completions.create({ ...text, model: "none" }));
const stranger = new OpenAI({ baseURL: url + "/v1", apiKey: "wrong", maxRetries: 0 });
out.stranger = await nameOfError(() => stranger.models.list());
console.log(JSON.stringify(out));
