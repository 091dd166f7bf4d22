INSERT INTO grades (user_id, assignment_id, score, feedback) VALUES (?, ?, ?, ?)
ON CONFLICT (user_id, assignment_id)
DO UPDATE SET score = excluded.score, feedback = excluded.feedback
RETURNING *
