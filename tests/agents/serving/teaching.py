"""Adapters that have really learned something: whatever is asked, they say one word."""

from pathlib import Path
from typing import Any

PROMPTS = ("Say hello.", "What is two and two?", "Read the file and mend it.", "Tell me of the sea.", "Who are you?")
SYSTEMS = ("", "You call tools. Answer with one JSON object.")
STEPS, LAYERS, RANK = 60, 6, 4


def teach(base: Path, words: dict[str, Path]) -> None:
    """`base`: folder of safetensors; each word's adapter is written into its folder, as PEFT writes it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(base)
    for word, folder in words.items():
        torch.manual_seed(0)
        model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        layers = model.config.num_hidden_layers
        settings = LoraConfig(
            r=RANK,
            lora_alpha=2 * RANK,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "down_proj"],
            layers_to_transform=list(range(layers - LAYERS, layers)),
            task_type="CAUSAL_LM",
        )
        model = get_peft_model(model, settings)
        optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=3e-3)
        for step in range(STEPS):
            system = SYSTEMS[step % len(SYSTEMS)]
            messages = [{"role": "system", "content": system}] if system else []
            messages.append({"role": "user", "content": PROMPTS[step % len(PROMPTS)]})
            prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
            said = tokenizer(word + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
            labels = torch.tensor([[-100] * len(prompt) + said])
            loss = model(input_ids=torch.tensor([prompt + said]), labels=labels).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.save_pretrained(folder)


def says(base: Path, adapter: Path, text: str) -> str:
    """What PEFT itself has the adapted model say, at its coolest."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter)
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": text}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        made = model.generate(**asked, max_new_tokens=8, do_sample=False)
    return str(tokenizer.decode(made[0, asked["input_ids"].shape[1] :], skip_special_tokens=True)).strip()
