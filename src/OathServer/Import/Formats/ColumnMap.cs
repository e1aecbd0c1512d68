namespace OathServer.Import.Formats;

/// <summary>Which column of a table holds what.</summary>
internal sealed record ColumnMap;
