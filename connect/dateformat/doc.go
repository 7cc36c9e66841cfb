// Package dateformat is java.text.SimpleDateFormat in UTC and for the United States, the form in which Kafka Connect's manifests describe dates.
// It keeps what Java's class is known for: numbers out of range are carried (2023-13-45 is 2024-02-14), text behind the date is ignored, a year of
// two digits lies within 80 years before and 20 years after the start, and the calendar is Julian until 4 October 1582.
//
// Names of zones are those of [zones]; Java knows some hundred more. Text that names another zone than UTC is read rightly, and later dates are
// still written in UTC: Java's formatter goes over to the zone that it read last.
package dateformat
