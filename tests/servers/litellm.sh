#!/usr/bin/env bash
# A real LiteLLM proxy in front of a real llama.cpp server. Exits with 77 if they are not available.
source "$(dirname "${BASH_SOURCE[0]}")/serve.bash"

llamacpp fills
folder=$PWD/target/servers/litellm
tests/venv "$folder" 'litellm[proxy]==1.106.2'

export LITELLM_API_KEY=sk-test
cat > "$place/config.yaml" <<EOY
model_list:
  - model_name: made
    litellm_params: {model: openai/made, api_base: "$LLAMACPP_FILLS/v1", api_key: none}
    model_info: {input_cost_per_token: 0.0000007, output_cost_per_token: 0.0000031}
  - model_name: broken
    litellm_params: {model: openai/broken, api_base: "http://127.0.0.1:9/v1", api_key: none}
litellm_settings: {num_retries: 0, fallbacks: [{broken: [made]}]}
general_settings: {master_key: $LITELLM_API_KEY}
EOY
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export LITELLM=http://127.0.0.1:$port
# With this variable it does not fetch a newer table of prices.
LITELLM_LOCAL_MODEL_COST_MAP=True "$folder/bin/litellm" \
  --config "$place/config.yaml" --host 127.0.0.1 --port "$port" --telemetry False >"$place/litellm.log" 2>&1 &
servers+=($!)
until (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
  kill -0 $! 2>/dev/null || gave_up litellm
  sleep 0.2
done
ask litellm_
