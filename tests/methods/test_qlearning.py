"""Many learners: the same as a plain loop one by one, never above the optimum, and at it where theory says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods import dynamic_programme, qlearning
from bcopt.methods.qlearning import Settings, learn

PAPER = Settings(0.1, 0.9, 1.0, 0.05, 40, (1, 7, 40))


def random_problem(lanes, steps=4, actions=4, seed=1):
    generator = np.random.default_rng(seed)
    use = generator.permutation(np.r_[0, 0, generator.integers(0, 5, max(actions - 2, 0))][:actions])
    return generator.normal(3, 2, (lanes, steps, actions)), use, generator.integers(0, 12, lanes)


def plain_loop(reward, use, budget, chosen, seed, budget_in_state):
    """Q-learning of one lane, as a textbook has it: returns the greedy plans at the checkpoints and the table."""
    random = np.random.default_rng(seed)
    order = sorted(range(len(use)), key=lambda a: use[a])
    steps, states = len(reward), budget + 1 if budget_in_state else 1
    table = [[[0.0] * len(use) for _ in range(states)] for _ in range(steps)]
    if chosen.start == "optimistic":
        for t in range(steps):
            best = [max(row) for row in reward.tolist()]
            upper = best[-1]
            for value in best[t:-1][::-1]:
                upper = value + chosen.discount * upper
            table[t] = [[upper] * len(use) for _ in range(states)]

    def best_of(t, used):
        """Return the feasible actions by use, and the first of those of the greatest Q."""
        feasible = [a for a in order if used + use[a] <= budget]
        row = table[t][used if budget_in_state else 0]
        return feasible, max(feasible, key=lambda a: row[a])

    plans = []
    for episode in range(chosen.episodes):
        share = 0.0 if chosen.episodes == 1 else episode / (chosen.episodes - 1)
        exploration = chosen.exploration_start + share * (chosen.exploration_end - chosen.exploration_start)
        used = 0
        for t in range(steps):
            feasible, action = best_of(t, used)
            number = random.random()
            if number < exploration:
                action = feasible[int(number / exploration * len(feasible))]
            after, gain = used + use[action], reward[t][action]
            if t + 1 < steps:
                _, following = best_of(t + 1, after)
                gain += chosen.discount * table[t + 1][after if budget_in_state else 0][following]
            row = table[t][used if budget_in_state else 0]
            row[action] += chosen.learning_rate * (gain - row[action])
            used = after
        if episode + 1 in chosen.recorded:
            used, plan = 0, []
            for t in range(steps):
                plan.append(best_of(t, used)[1])
                used += use[plan[-1]]
            plans.append(plan)
    return plans, table


class TestPlainLoop:
    @pytest.mark.parametrize("budget_in_state", [False, True])
    @pytest.mark.parametrize(
        "chosen",
        [
            PAPER,
            replace(PAPER, start="optimistic"),
            replace(PAPER, learning_rate=1.0, discount=1.0),
            replace(PAPER, discount=0.0, exploration_start=0.3, exploration_end=0.3),
            replace(PAPER, exploration_end=0.0),
            replace(PAPER, exploration_start=0.0, exploration_end=0.7),
            replace(PAPER, exploration_start=0.0, exploration_end=0.0, checkpoints=()),
            replace(PAPER, episodes=1, checkpoints=()),
        ],
    )
    def test_plans_and_tables_are_the_same(self, chosen, budget_in_state):
        """Not a tolerance apart: the same numbers in the same order of operations."""
        reward, use, budget = random_problem(5)
        budget[0] = 0
        seeds = np.array([3, 3, 11, 0, 2**40])
        found = learn(reward, use, budget, chosen, seeds, budget_in_state, keep_table=True)
        assert found.episodes.tolist() == list(chosen.recorded)
        for lane in range(5):
            capped = min(int(budget[lane]), 4 * int(use.max()))
            plans, table = plain_loop(reward[lane], use.tolist(), capped, chosen, seeds[lane], budget_in_state)
            assert found.actions[:, lane].tolist() == plans
            states = len(table[0])
            assert found.table[:, lane, :states] == pytest.approx(np.array(table), rel=1e-15, abs=0)

    @pytest.mark.parametrize("numbers", [1, 3 * 4 * 3, 1 << 20])
    def test_numbers_drawn_in_blocks_of_any_size(self, monkeypatch, numbers):
        reward, use, budget = random_problem(3)
        whole = learn(reward, use, budget, PAPER, [1, 2, 3], True, keep_table=True)
        monkeypatch.setattr(qlearning, "NUMBERS", numbers)
        parts = learn(reward, use, budget, PAPER, [1, 2, 3], True, keep_table=True)
        assert np.array_equal(parts.table, whole.table)

    def test_checkpoints_do_not_disturb(self):
        reward, use, budget = random_problem(3)
        some = learn(reward, use, budget, PAPER, [1, 2, 3], False, keep_table=True)
        none = learn(reward, use, budget, replace(PAPER, checkpoints=()), [1, 2, 3], False, keep_table=True)
        assert np.array_equal(some.table, none.table)
        assert np.array_equal(some.actions[-1:], none.actions)


class TestLanes:
    @pytest.mark.parametrize("budget_in_state", [False, True])
    def test_a_lane_learns_the_same_alone_and_among_others(self, budget_in_state):
        reward, use, budget = random_problem(7, steps=5)
        seeds = np.arange(7) + 5
        found = learn(reward, use, budget, PAPER, seeds, budget_in_state, keep_table=True)
        for lane in (6, 0, 3):
            only = slice(lane, lane + 1)
            alone = learn(reward[only], use, budget[only], PAPER, seeds[only], budget_in_state, keep_table=True)
            assert np.array_equal(alone.actions[:, 0], found.actions[:, lane])
            assert np.array_equal(alone.value[:, 0], found.value[:, lane])
            assert np.array_equal(alone.table[:, 0], found.table[:, lane, : alone.table.shape[2]])

    def test_seeds_matter(self):
        reward, use, budget = random_problem(1, steps=6)
        tables = learn(np.repeat(reward, 3, 0), use, budget.repeat(3), PAPER, [1, 1, 2], False, keep_table=True).table
        assert np.array_equal(tables[:, 0], tables[:, 1])
        assert not np.array_equal(tables[:, 0], tables[:, 2])

    def test_order_of_actions_is_immaterial(self):
        """Uses differ, so that their order settles every tie and names every random action."""
        generator = np.random.default_rng(1)
        reward, use = generator.normal(size=(3, 4, 5)), np.array([0, 1, 2, 3, 4])
        turned = np.array([3, 1, 4, 0, 2])
        found = learn(reward, use, 7, PAPER, [1, 2, 3], True, keep_table=True)
        other = learn(reward[:, :, turned], use[turned], 7, PAPER, [1, 2, 3], True, keep_table=True)
        assert np.array_equal(turned[other.actions], found.actions)
        assert np.array_equal(other.table, found.table[..., turned])

    def test_the_unit_of_the_reward_is_immaterial(self):
        reward, use, budget = random_problem(4)
        found = learn(reward, use, budget, PAPER, range(4), False, keep_table=True)
        other = learn(1024 * reward, use, budget, PAPER, range(4), False, keep_table=True)
        assert np.array_equal(other.table, 1024 * found.table)
        assert np.array_equal(other.actions, found.actions)


class TestOneUpdate:
    """One step, two actions, by hand."""

    def test_learning_rate(self):
        """Greedy on a table of zeros takes the first action each time: .5 x 4, then .5 x 4 + .5 x 2, then 3.5."""
        chosen = Settings(0.5, 0.9, 0.0, 0.0, 3)
        found = learn(np.array([[[4.0, 9.0]]]), np.array([0, 0]), 0, chosen, [1], False, keep_table=True)
        assert found.table.ravel().tolist() == [3.5, 0.0]
        assert found.actions.tolist() == [[[0]]]
        assert found.value.tolist() == [[4.0]]  # the greedy learner never tries the 9

    def test_optimism_tries_both(self):
        chosen = Settings(0.5, 0.9, 0.0, 0.0, 3, start="optimistic")
        found = learn(np.array([[[4.0, 9.0]]]), np.array([0, 0]), 0, chosen, [1], False, keep_table=True)
        assert found.table.ravel().tolist() == [6.5, 9.0]  # from 9 and 9: one step towards 4, the 9 stays
        assert found.actions.tolist() == [[[1]]]

    def test_discount(self):
        """Two steps of one action: the second is worth 3 from the first episode on, the first 2 + .5 x 3 from then."""
        reward = np.array([[[2.0], [3.0]]])
        tables = [
            learn(reward, np.array([0]), 0, Settings(1.0, 0.5, 0.0, 0.0, n), [1], False, True).table.ravel().tolist()
            for n in (1, 2, 3)
        ]
        assert tables == [[2.0, 3.0], [3.5, 3.0], [3.5, 3.0]]

    def test_exploration_falls_on_a_line(self):
        assert Settings(0.1, 0.9, 0.9, 0.1, 5).exploration == pytest.approx([0.9, 0.7, 0.5, 0.3, 0.1])
        assert Settings(0.1, 0.9, 0.9, 0.1, 1).exploration.tolist() == [0.9]

    def test_random_actions_are_feasible_and_uniform(self):
        """After one random action Q is 1 for it: a third of the lanes for each that fits, none beyond."""
        reward = np.zeros((1, 1, 4)) + 1.0
        many = learn(np.repeat(reward, 3000, 0), np.arange(4), 2, Settings(1.0, 0, 1, 1, 1), range(3000), False, True)
        shares = many.table[0, :, 0].mean(axis=0)
        assert shares[3] == 0
        assert shares[:3] == pytest.approx(np.full(3, 1 / 3), abs=4 * np.sqrt(2 / 9 / 3000))


class TestOptimum:
    @settings(max_examples=40)
    @given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from(["zero", "optimistic"]))
    def test_no_plan_beats_the_dynamic_programme(self, seed, budget_in_state, start):
        reward, use, budget = random_problem(6, steps=5, actions=5, seed=seed)
        found = learn(reward, use, budget, replace(PAPER, start=start), range(6), budget_in_state)
        best = dynamic_programme.solve(reward, use, budget).value
        assert (best - found.value >= -1e-9).all()
        assert (use[found.actions].sum(axis=2) <= budget).all()
        every = np.arange(6)[:, None], np.arange(5)[None]
        assert found.value[-1] == pytest.approx(reward[(*every, found.actions[-1])].sum(axis=1))

    def test_with_the_budget_in_the_state_it_is_reached(self):
        reward, use = np.random.default_rng(1).normal(5, 2, (8, 4, 4)), np.arange(4)
        chosen = Settings(0.5, 1.0, 1.0, 1.0, 4000)
        best = dynamic_programme.solve(reward, use, 5).value
        assert learn(reward, use, 5, chosen, range(8), True).value[-1] == pytest.approx(best, abs=1e-9)

    def test_what_a_table_knows_of_the_budget(self):
        """Two steps pay 2 or 3 for one unit, and the budget is one: the first must wait.

        With the budget in the state, paying first is worth 2 and waiting 3; the second step pays 3 before any use and
        can pay nothing after it.
        """
        reward, use = np.array([[[0.0, 2.0], [0.0, 3.0]]]).repeat(20, 0), np.array([0, 1])
        found = learn(reward, use, 1, Settings(0.2, 1.0, 1.0, 1.0, 500), range(20), True, keep_table=True)
        assert found.value[-1].tolist() == [3.0] * 20
        assert found.table[0, :, 0] == pytest.approx(np.tile([3.0, 2.0], (20, 1)), abs=1e-9)
        assert found.table[1, :, 0] == pytest.approx(np.tile([0.0, 3.0], (20, 1)), abs=1e-9)
        assert (found.table[1, :, 1] == 0).all()

    def test_the_hour_alone_can_stay_below_for_ever(self):
        """Three steps pay .5, 4 and 9 for the one unit there is: the optimum waits twice.

        At random, a third of the days that wait in the second step have the unit left, so that waiting there is worth
        3 on average to a table that does not know the budget, and 9 to one that does. The first takes the 4.
        """
        reward = np.array([[[0.0, 0.5], [0.0, 4.0], [0.0, 9.0]]]).repeat(20, 0)
        chosen = Settings(0.005, 1.0, 1.0, 1.0, 10_000)
        blind, seeing = (learn(reward, np.array([0, 1]), 1, chosen, range(20), known, True) for known in (False, True))
        assert seeing.value[-1].tolist() == [9.0] * 20
        assert blind.value[-1].tolist() == [4.0] * 20
        assert blind.table[1, :, 0, 0].mean() == pytest.approx(3, abs=0.2)
        assert blind.table.shape[2] == 1

    def test_without_a_binding_budget_the_discount_is_immaterial(self):
        """Steps that share nothing: any discount ends at the best action of each step."""
        generator = np.random.default_rng(2)
        reward = np.argsort(generator.random((5, 6, 4)), axis=2).astype(float)  # whole, so far apart
        for discount in (0.0, 0.9):
            for budget_in_state in (False, True):
                chosen = Settings(0.3, discount, 1.0, 1.0, 4000 if budget_in_state else 1000)
                found = learn(reward, np.array([0, 0, 0, 0]), 3, chosen, range(5), budget_in_state)
                assert found.actions[-1].tolist() == reward.argmax(axis=2).tolist()

    def test_more_episodes_come_nearer(self):
        reward, use = np.random.default_rng(4).normal(5, 2, (50, 8, 6)), np.arange(6)
        chosen = Settings(0.2, 1.0, 1.0, 0.1, 3000, (1, 100, 3000))
        gaps = dynamic_programme.solve(reward, use, 15).value - learn(reward, use, 15, chosen, range(50), True).value
        means = gaps.mean(axis=1)
        assert means[0] > means[1] > 5 * means[2] >= 0


class TestErrors:
    reward, use = np.ones((2, 3, 2)), np.array([0, 1])

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"learning_rate": 0.0}, r"learning_rate must be within \(0, 1\], got 0.0"),
            ({"learning_rate": 1.1}, "learning_rate must be"),
            ({"learning_rate": np.nan}, "learning_rate must be"),
            ({"discount": -0.1}, r"discount must be within \[0, 1\], got -0.1"),
            ({"discount": "much"}, "discount must be"),
            ({"exploration_start": 1.5}, "exploration_start must be"),
            ({"exploration_end": -1}, "exploration_end must be"),
            ({"episodes": 0, "checkpoints": ()}, "episodes must be an integer of at least 1, got 0"),
            ({"episodes": 10.0, "checkpoints": ()}, "episodes must be an integer"),
            ({"episodes": 39}, r"checkpoints must be integers within \[1, 39\], got \(1, 7, 40\)"),
            ({"checkpoints": (0, 1)}, "checkpoints must be integers within"),
            ({"checkpoints": (2, 1)}, r"checkpoints must ascend, got \(2, 1\)"),
            ({"checkpoints": (2, 2)}, "checkpoints must ascend"),
            ({"start": "warm"}, "start must be one of zero, optimistic, got 'warm'"),
        ],
    )
    def test_settings(self, changed, message):
        with pytest.raises(ValueError, match=f"^learning settings: {message}[^;]*$"):
            replace(PAPER, **changed)

    def test_all_settings_at_once(self):
        names = "learning_rate, discount, exploration_start, exploration_end, episodes, start"
        with pytest.raises(ValueError, match=".*; ".join(f"{name} must" for name in names.split(", "))):
            Settings(2, 2, 2, 2, 0, (), "warm")

    def test_recorded_has_the_last_episode(self):
        assert replace(PAPER, checkpoints=(2, 5)).recorded == (2, 5, 40)
        assert PAPER.recorded == (1, 7, 40)

    @pytest.mark.parametrize(
        ("change", "messages"),
        [
            ({"reward": reward[:, 0]}, ["dims"]),
            ({"reward": np.where(reward, np.nan, 0)}, ["reward must be finite"]),
            ({"use": np.array([1, 1])}, ["one or more of them 0"]),
            ({"use": np.array([0, 1, 2])}, ["one entry for each of 2 actions"]),
            ({"budget": -1}, ["budget must be nonnegative"]),
            ({"seeds": [1]}, ["seeds must be 2 nonnegative integers, one a lane, found int64 of shape"]),
            ({"seeds": [1, -1]}, ["seeds must be"]),
            ({"seeds": [0.5, 1.0]}, ["seeds must be"]),
            ({"use": np.array([0, -1]), "budget": -1, "seeds": 1}, ["use", "budget", "seeds"]),
        ],
    )
    def test_problems(self, change, messages):
        given = {"reward": self.reward, "use": self.use, "budget": 1, "seeds": [1, 2]} | change
        with pytest.raises(ValueError, match=messages[0]) as caught:
            learn(given["reward"], given["use"], given["budget"], PAPER, given["seeds"], False)
        lines = [
            line
            for line in str(caught.value).splitlines()
            if change.get("reward", self.reward).ndim == 3 or "dims" in line
        ]
        assert len(lines) == len(messages)
        assert all(message in line for message, line in zip(messages, lines, strict=True))
