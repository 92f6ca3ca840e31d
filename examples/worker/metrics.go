package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/riverqueue/river/riverdriver"

	"github.com/moneykit/moneykit-go"
)

// metrics counts what the process does. No label holds an id.
type metrics struct {
	registry *prometheus.Registry
	attempts *prometheus.CounterVec
	retries  *prometheus.CounterVec
	duration *prometheus.HistogramVec
	limited  *prometheus.HistogramVec
	webhooks *prometheus.CounterVec
	events   *prometheus.CounterVec
	jobs     *prometheus.CounterVec
	jobTime  *prometheus.HistogramVec
	notices  prometheus.Counter
	rescued  prometheus.Counter
}

func newMetrics() *metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	seconds := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	long := []float64{0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		attempts: counters("moneykit_attempts_total", "Attempts of API calls. The status is 0 if there was no response.", "operation", "status"),
		retries:  counters("moneykit_retries_total", "Attempts that the client followed by another one.", "operation"),
		duration: seconds("moneykit_attempt_seconds", "Durations of attempts.", prometheus.DefBuckets, "operation"),
		limited:  seconds("moneykit_limiter_wait_seconds", "How long the limiter held attempts back.", long, "operation"),
		webhooks: counters("worker_webhooks_total", "Webhooks by the status of the response.", "status"),
		events:   counters("worker_events_total", "Verified events: queued, ignored, duplicate or failed.", "event", "outcome"),
		jobs:     counters("worker_jobs_total", "Runs of jobs by what came of them.", "kind", "outcome"),
		jobTime:  seconds("worker_job_seconds", "Durations of runs of jobs.", long, "kind"),
		notices: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "worker_relink_notices_total", Help: "Users who were asked to relink.",
		}),
		rescued: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "worker_rescued_jobs_total", Help: "Jobs queued again because their process was gone.",
		}),
	}
	m.registry.MustRegister(m.attempts, m.retries, m.duration, m.limited, m.webhooks, m.events, m.jobs, m.jobTime,
		m.notices, m.rescued, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe counts an attempt of an API call.
func (m *metrics) observe(_ context.Context, info moneykit.CallInfo) {
	m.attempts.WithLabelValues(info.Operation, strconv.Itoa(info.StatusCode)).Inc()
	m.duration.WithLabelValues(info.Operation).Observe(info.Duration.Seconds())
	if info.Limited > 0 {
		m.limited.WithLabelValues(info.Operation).Observe(info.Limited.Seconds())
	}
	if info.Wait > 0 {
		m.retries.WithLabelValues(info.Operation).Inc()
	}
}

// job counts a run of a job.
func (m *metrics) job(kind task, result outcome, took time.Duration) {
	m.jobs.WithLabelValues(string(kind), string(result)).Inc()
	m.jobTime.WithLabelValues(string(kind)).Observe(took.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// queueDepth reports how many jobs are in each state of River. It asks the database whenever the
// metrics are read, so each process reports the same numbers: take the maximum, not the sum.
type queueDepth struct {
	executor riverdriver.Executor
	jobs     *prometheus.Desc
}

func newQueueDepth(executor riverdriver.Executor) queueDepth {
	return queueDepth{executor, prometheus.NewDesc("worker_queue_jobs", "Jobs in the queue by state.", []string{"state"}, nil)}
}

// Describe implements [prometheus.Collector].
func (q queueDepth) Describe(ch chan<- *prometheus.Desc) { ch <- q.jobs }

// Collect implements [prometheus.Collector].
func (q queueDepth) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	counts, err := q.executor.JobCountByAllStates(ctx, &riverdriver.JobCountByAllStatesParams{})
	if err != nil {
		ch <- prometheus.NewInvalidMetric(q.jobs, err)
		return
	}
	for state, n := range counts {
		ch <- prometheus.MustNewConstMetric(q.jobs, prometheus.GaugeValue, float64(n), string(state))
	}
}
