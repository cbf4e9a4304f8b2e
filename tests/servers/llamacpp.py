"""Makes a small model and serves it with llama.cpp's own HTTP server, on a free port, until a signal ends it. It first prints its address.

    llamacpp.py KIND FILE     KIND: fills, slow, plain; FILE: where to write the model

The model only knows which token follows which: its layers add nothing, and the output row of a token is the embedding of
the token before it. So every token of its answer and their probabilities are known, while the server, its tokens, its cache and its slots
are real. `slow` has layers to compute and text without end; `plain` has no FIM tokens.
"""

import signal
import sys

import gguf
import numpy
import xllamacpp

END, PREFIX, SUFFIX, MIDDLE, PAD = "<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>"
START, OVER = "<|im_start|>", "<|im_end|>"
CHAT = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
CONTEXT = 8192
SLOTS = 2

# The answer. Behind `1, ` the 2 is four times as probable as the 3, so that the whole has the probability 0.8.
ANSWER = ["[", "1, ", "2", "]", ";"]
FORK = ("1, ", "3", 4)
ENDLESS = [f"word{number} + " for number in range(50)]


def letters():
    """The letter for each byte in GPT-2's kind of vocabulary: the byte itself if it is printable, else another printable letter."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(256 + at) for at, byte in enumerate(hidden)}


def vocabulary(kind):
    """The tokens, the special ones among them, and pairs of tokens of which the second follows the first."""
    as_letters = letters()
    spell = lambda text: "".join(as_letters[byte] for byte in text.encode())
    special = [END, START, OVER] + ([] if kind == "plain" else [PREFIX, SUFFIX, MIDDLE, PAD])
    said = [spell(piece) for piece in (ENDLESS if kind == "slow" else ANSWER)]
    tokens = special + list(as_letters.values())
    tokens += [piece for piece in said if piece not in tokens]
    follows = list(zip(said, said[1:]))
    follows += [(mark, said[0]) for mark in (MIDDLE, OVER) if mark in special]
    follows += [(said[-1], said[0] if kind == "slow" else END)]
    return tokens, special, follows


def make(kind, path):
    """Writes the model."""
    tokens, special, follows = vocabulary(kind)
    width, layers = (768, 12) if kind == "slow" else (64, 1)
    random = numpy.random.default_rng(1)
    embedding = random.standard_normal((len(tokens), width), dtype=numpy.float32)
    output = numpy.zeros_like(embedding)
    number = {token: at for at, token in enumerate(tokens)}
    for before, after in follows:
        output[number[after]] += embedding[number[before]]
    if kind != "slow":
        before, after, odds = FORK
        known = embedding[tokens.index("1,Ġ")]
        # The score of the token that follows, and the share of it that gives these odds.
        score = numpy.sqrt(width) * numpy.linalg.norm(known)
        output[number[after]] += known * (1 - numpy.log(odds) / score)
    square, wide, tall = (width, width), (2 * width, width), (width, 2 * width)
    layer = dict(attn_q=square, attn_k=square, attn_v=square, attn_output=square, ffn_gate=wide, ffn_up=wide, ffn_down=tall)

    w = gguf.GGUFWriter(path, "llama")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(width)
    w.add_block_count(layers)
    w.add_feed_forward_length(2 * width)
    w.add_head_count(width // 32)
    w.add_head_count_kv(width // 32)
    w.add_rope_dimension_count(32)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_vocab_size(len(tokens))
    w.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("qwen2")
    w.add_token_list(tokens)
    w.add_token_types([gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens])
    # Text is tokenized byte by byte, but the server requires a merge.
    w.add_token_merges(["1 ,"])
    w.add_add_bos_token(False)
    w.add_eos_token_id(number[END])
    w.add_pad_token_id(number.get(PAD, number[END]))
    w.add_chat_template(CHAT)
    w.add_tensor("token_embd.weight", embedding)
    w.add_tensor("output.weight", output)
    w.add_tensor("output_norm.weight", numpy.ones(width, numpy.float32))
    for at in range(layers):
        for name, shape in layer.items():
            w.add_tensor(f"blk.{at}.{name}.weight", numpy.zeros(shape, numpy.float16))
        for name in ("attn_norm", "ffn_norm"):
            w.add_tensor(f"blk.{at}.{name}.weight", numpy.ones(width, numpy.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def serve(path):
    """Serves the model until a signal comes."""
    p = xllamacpp.CommonParams()
    p.model.path = path
    p.hostnames = ["127.0.0.1"]
    p.port = 0
    p.n_ctx = CONTEXT * SLOTS
    p.n_parallel = SLOTS
    # The server cuts a FIM prompt to the batch size.
    p.n_batch = p.n_ubatch = 4096
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
    p.endpoint_metrics = p.endpoint_slots = True
    server = xllamacpp.Server(p)
    print(server.listening_address, flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    kind, path = sys.argv[1:]
    make(kind, path)
    serve(path)
