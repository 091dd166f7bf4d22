SELECT
    (SELECT count(*) FROM enrolments WHERE class_id = classes.id) AS students,
    count(DISTINCT assignments.id) AS assignments,
    count(grades.score) AS grades,
    avg(grades.score) AS average_score
FROM classes
LEFT JOIN assignments ON assignments.class_id = classes.id
LEFT JOIN grades ON grades.assignment_id = assignments.id
WHERE classes.id = ?
GROUP BY classes.id
