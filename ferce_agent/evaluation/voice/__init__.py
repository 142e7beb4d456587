"""How well emotions are told from voices: leave-one-speaker-out, a plain baseline, harmed sound."""
