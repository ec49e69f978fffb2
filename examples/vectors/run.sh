#!/usr/bin/env bash
# examples/vectors/run.sh [WEIR]: embeds the pages, then asks. Needs python3 and a weir with libcurl.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath "${1:-build/weir}")
work=$(mktemp -d)
cd "$work"
cp "$here"/*.csv "$here"/*.sql .
python3 "$here/embeddings.py" >port &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
for ((i = 0; i < 200; i++)); do [ -s port ] && break || sleep 0.05; done
sed "s/PORT/$(cat port)/" model.sql >here.sql
"$weir" run -e "$(cat here.sql embed.sql)"
"$weir" run -e "$(cat here.sql ask.sql)"
